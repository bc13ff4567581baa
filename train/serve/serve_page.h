/* The page, whole: serve_page.html as the build put it into the program (cmake/embed.cmake). Its
 * style and script carry SERVE_NONCE where a value that is new for each answer belongs. */
#pragma once

#include <stddef.h>

#define SERVE_NONCE "{{nonce}}"

extern const char serve_page[]; /* with a NUL behind it */
extern const size_t serve_page_size;
