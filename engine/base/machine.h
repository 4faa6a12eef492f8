/* What this machine is. */
#ifndef ADAPLER_BASE_MACHINE_H
#define ADAPLER_BASE_MACHINE_H

/* The processor's name, "unknown" where the system does not say it. */
void machine_cpu(char *out, int size);

#endif
