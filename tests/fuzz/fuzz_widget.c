/* fuzz_widget.c - items read as widgets. What is read as one is one: made anew it has the same bytes. */
#include "input.h"

#include "src/base/widget.h"

/* Leading zeros are the only other way to write a widget. */
static size_t without_leading_zeros(const uint8_t *from, size_t len, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		bool begins = from[i] == '0' && (i == 0 || from[i - 1] < '0' || from[i - 1] > '9');
		bool goes_on = i + 1 < len && from[i + 1] >= '0' && from[i + 1] <= '9';

		if (begins && goes_on) {
			while (i + 1 < len && from[i] == '0' && from[i + 1] >= '0' && from[i + 1] <= '9')
				i++;
		}
		to[n++] = (char)from[i];
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[WIDGET_TEXT_MAX], *plain;
	struct widget widget;
	size_t len;

	if (!widget_parse(data, size, &widget))
		return 0;
	plain = malloc(size);
	MUST(plain);
	len = without_leading_zeros(data, size, plain);
	MUST(len == widget_format(&widget, text) && memcmp(plain, text, len) == 0);
	free(plain);
	return 0;
}
