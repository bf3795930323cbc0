/* share.c - see share.h. */
#include "src/producer/share.h"

struct share share_of(unsigned number, unsigned lanes, size_t n_files, bool can_split)
{
	if (number == 0 || lanes <= 1)
		return (struct share){ .first = 0, .step = 1, .parts = 1 };
	if (n_files == 1 && can_split)
		return (struct share){ .first = 0, .step = 1, .part = number - 1, .parts = lanes };
	return (struct share){ .first = number - 1, .step = lanes, .parts = 1 };
}

void share_range(const struct share *share, uint64_t size, uint64_t *from, uint64_t *to)
{
	uint64_t each = size / share->parts, rest = size % share->parts;

	*from = each * share->part + rest * share->part / share->parts;
	if (share->part + 1 == share->parts)
		*to = UINT64_MAX;
	else
		*to = each * (share->part + 1) + rest * (share->part + 1) / share->parts;
}

uint64_t share_mark(size_t file, uint64_t offset)
{
	return (uint64_t)file << SHARE_OFFSET_BITS | offset;
}

size_t share_mark_file(uint64_t mark)
{
	return (size_t)(mark >> SHARE_OFFSET_BITS);
}

uint64_t share_mark_offset(uint64_t mark)
{
	return mark & ((UINT64_C(1) << SHARE_OFFSET_BITS) - 1);
}
