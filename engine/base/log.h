/* What a command says to its user, on standard error: never data. The library says nothing. */
#ifndef ADAPLER_BASE_LOG_H
#define ADAPLER_BASE_LOG_H

void log_set_quiet(int quiet);
int log_is_quiet(void);
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2))); /* silenced by --quiet */
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Colour on standard error / standard output: a terminal, and NO_COLOR is not set. */
int log_has_colour(int fd);

#endif
