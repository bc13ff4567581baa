/* Memory of this machine and of this process, in bytes; 0 where the kernel does not tell. */
#pragma once

double memory_free(void); /* that a process may take now, within the limit of its container */
double memory_peak(void); /* that this process had so far */
