/* The rows of a settings table, to be read as one. For the .c file that owns them:
 *
 *     #define SETTINGS_OF struct optim_options
 *     static const char *const schedules[] = {"poly", "cosine", NULL};
 *     static const struct setting rows[] = {
 *         REAL  ("lr",       lr,       RESULT, "6e-5", 0, 1, "learning rate after warm-up"),
 *         CHOICE("schedule", schedule, RESULT, "poly", schedules, "how the rate decays"),
 *         INT   ("threads",  threads,  SPEED,  "0", 0, 1024, "0: as many as the machine has"),
 *     };
 *
 * with clang-format off around it. A fallback of NULL makes the key required. A field of another
 * type than its row does not compile.
 */
#pragma once

#include "base/settings.h"

#define SETTING_FIELD(field) (((SETTINGS_OF *)0)->field)
#define SETTING_AT(field, ...)                                                                     \
    (offsetof(SETTINGS_OF, field) + (size_t) _Generic(SETTING_FIELD(field), __VA_ARGS__))
#define SETTING_AT_ENUM(field)                                                                     \
    (offsetof(SETTINGS_OF, field) +                                                                \
     0 * sizeof(char[sizeof(SETTING_FIELD(field)) == sizeof(int) ? 1 : -1]))

#define INT(k, field, class, otherwise, lo, hi, text)                                              \
    {                                                                                              \
        .key = (k), .type = SET_INT, .cls = SET_##class, .offset = SETTING_AT(field, int64_t : 0), \
        .fallback = (otherwise), .min = (lo), .max = (hi), .help = (text)                          \
    }
#define REAL(k, field, class, otherwise, lo, hi, text)                                             \
    {                                                                                              \
        .key = (k), .type = SET_REAL, .cls = SET_##class, .offset = SETTING_AT(field, double : 0), \
        .fallback = (otherwise), .min = (lo), .max = (hi), .help = (text)                          \
    }
#define BOOL(k, field, class, otherwise, text)                                                     \
    {                                                                                              \
        .key = (k), .type = SET_BOOL, .cls = SET_##class, .offset = SETTING_AT(field, bool : 0),   \
        .fallback = (otherwise), .help = (text)                                                    \
    }
#define STRING(k, field, class, otherwise, text)                                                   \
    {                                                                                              \
        .key = (k), .type = SET_STRING, .cls = SET_##class,                                        \
        .offset = SETTING_AT(field, char * : 0, const char * : 0), .fallback = (otherwise),        \
        .help = (text)                                                                             \
    }
#define CHOICE(k, field, class, otherwise, names, text)                                            \
    {                                                                                              \
        .key = (k), .type = SET_CHOICE, .cls = SET_##class, .offset = SETTING_AT_ENUM(field),      \
        .fallback = (otherwise), .choices = (names), .help = (text)                                \
    }
#define INTS(k, field, class, otherwise, lo, hi, text)                                             \
    {                                                                                              \
        .key = (k), .type = SET_INTS, .cls = SET_##class,                                          \
        .offset = SETTING_AT(field, struct ints : 0), .fallback = (otherwise), .min = (lo),        \
        .max = (hi), .help = (text)                                                                \
    }
#define REALS(k, field, class, otherwise, lo, hi, text)                                            \
    {                                                                                              \
        .key = (k), .type = SET_REALS, .cls = SET_##class,                                         \
        .offset = SETTING_AT(field, struct reals : 0), .fallback = (otherwise), .min = (lo),       \
        .max = (hi), .help = (text)                                                                \
    }
#define STRINGS(k, field, class, otherwise, text)                                                  \
    {                                                                                              \
        .key = (k), .type = SET_STRINGS, .cls = SET_##class,                                       \
        .offset = SETTING_AT(field, struct strings : 0), .fallback = (otherwise), .help = (text)   \
    }
#define MAP(k, field, class, otherwise, text)                                                      \
    {                                                                                              \
        .key = (k), .type = SET_MAP, .cls = SET_##class,                                           \
        .offset = SETTING_AT(field, struct string_map : 0), .fallback = (otherwise),               \
        .help = (text)                                                                             \
    }
