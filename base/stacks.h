/* Where all threads of this process are: for reports of what hangs. */
#pragma once

/* Writes the stacks of all threads, one after the other, each at most a second; functions as
 * "FILE(+OFFSET)" or by name. Not while another thread does the same. */
void stacks_write(int fd);
