/* protocol.c - see protocol.h. */
#include "src/consumer/protocol.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>

bool protocol_can_carry(const struct protocol *protocol, const void *bytes, size_t len)
{
	return protocol->has_length || !memchr(bytes, protocol->terminator, len);
}

size_t protocol_write(const struct protocol *protocol, const void *bytes, size_t len, char *to)
{
	uint32_t length = htole32((uint32_t)len);

	if (protocol->has_length) {
		memcpy(to, &length, sizeof(length));
		memcpy(to + sizeof(length), bytes, len);
		return sizeof(length) + len;
	}
	memcpy(to, bytes, len);
	to[len] = protocol->terminator;
	return len + 1;
}

size_t protocol_cut(const struct protocol *protocol, const char *bytes, size_t have, size_t seen)
{
	uint32_t length;
	const char *end;

	if (protocol->has_length) {
		if (have < sizeof(length))
			return 0;
		memcpy(&length, bytes, sizeof(length));
		return have - sizeof(length) < le32toh(length) ? 0 : sizeof(length) + le32toh(length);
	}
	end = have > seen ? memchr(bytes + seen, protocol->terminator, have - seen) : NULL;
	return end ? (size_t)(end - bytes) + 1 : 0;
}
