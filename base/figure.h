/* A figure for people, in tables and lines: a dash where there is none (NaN).
 *
 *     fprintf(to, " %7s", figure_text(miou, 1).at);
 */
#pragma once

struct figure {
    char at[32];
};
struct figure figure_text(double x, int digits); /* behind the point, at most 6 */
