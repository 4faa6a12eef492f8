#include "utf8.h"

size_t utf8_character(const unsigned char *s, size_t size)
{
	static const struct {
		unsigned char first, last, low, high, size;
	} forms[] = {
		{0x00, 0x7f, 0x80, 0xbf, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
		{0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
		{0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
	};
	if (!size)
		return 0;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		if (s[0] < forms[i].first || s[0] > forms[i].last)
			continue;
		size_t n = forms[i].size;
		if (n > size || (n > 1 && (s[1] < forms[i].low || s[1] > forms[i].high)))
			return 0;
		for (size_t k = 2; k < n; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return n;
	}
	return 0;
}

size_t utf8_span(const char *bytes, size_t size)
{
	const unsigned char *s = (const unsigned char *)bytes;
	size_t i = 0;
	while (i < size) {
		if (s[i] && s[i] < 0x80) {
			i++;
			continue;
		}
		size_t n = s[i] ? utf8_character(s + i, size - i) : 0;
		if (!n)
			break;
		i += n;
	}
	return i;
}
