/* SIGINT and SIGTERM: the first asks long work to stop at the next safe point, the second kills as usual. Installed by
 * commands, never by the library. */
#ifndef ADAPLER_BASE_INTERRUPT_H
#define ADAPLER_BASE_INTERRUPT_H

void interrupt_install(void);
int interrupt_pending(void);

#endif
