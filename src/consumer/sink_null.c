/* sink_null.c - items are taken and acked, nothing else. */
#include "src/consumer/sink.h"

#include "src/consumer/settle.h"

static int null_open(const struct sink_request *request, void **state)
{
	(void)request;
	(void)state;
	return 0;
}

static int null_start(void *state, struct ring *ring)
{
	(void)state;
	(void)ring;
	return 0;
}

static int null_handle(void *state, struct settler *settler, struct ring_item *items, size_t n)
{
	int code = 0;

	(void)state;
	for (size_t i = 0; i < n && code == 0; i++)
		code = settle_done(settler, &items[i]);
	return code;
}

static void null_close(void *state)
{
	(void)state;
}

const struct sink sink_null = {
	.name = "null",
	.help = "nowhere",
	.batch = 64,
	.open = null_open,
	.start = null_start,
	.handle = null_handle,
	.close = null_close,
};
