/* Files of the project that are compiled into the program: scripts of gnuplot, questions in SQL, the page's parts. */
#ifndef ADAPLER_EMBED_H
#define ADAPLER_EMBED_H

/* Makes the file `path` (from the project's root) the text `name`, NUL-terminated. */
#define EMBED(name, path)                                                                      \
	__asm__(".pushsection .rodata\n" #name ":\n.incbin \"" path "\"\n.byte 0\n.popsection\n"); \
	extern const char name[] __attribute__((visibility("hidden")))

#endif
