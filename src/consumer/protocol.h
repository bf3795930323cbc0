/*
 * protocol.h - how a long-lived COMMAND is told an item on its standard input, and where the record that
 * answers it ends on its standard output: the same form in both directions. Pure.
 *
 *	lines	the bytes and a newline		nul	the bytes and a NUL byte
 *	len32	the length as 4 bytes, the lowest first, and the bytes
 */
#ifndef SHMLINE_PROTOCOL_H
#define SHMLINE_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

struct protocol {
	bool has_length;	/* len32; else records end with: */
	char terminator;
};

#define PROTOCOL_EXTRA 4	/* bytes of a record beyond its item's, at most */

/* Can these bytes be told at all? Not when they hold the byte that ends a record. */
bool protocol_can_carry(const struct protocol *protocol, const void *bytes, size_t len);

/* Write the record of an item at `to`, which has room for len + PROTOCOL_EXTRA. Returns its length. */
size_t protocol_write(const struct protocol *protocol, const void *bytes, size_t len, char *to);

/*
 * The length of the record that begins at `bytes`, of which `have` are there; 0: it is not whole yet.
 * `seen` of them were looked at before without finding its end.
 */
size_t protocol_cut(const struct protocol *protocol, const char *bytes, size_t have, size_t seen);

#endif
