/*
 * slot.c - which words are legal. The moves themselves are inline in slot.h.
 */
#include "shm/slot.h"

enum ownership { NOBODY, SOMEBODY, EITHER };

static const struct {
	enum ownership owner;
	bool may_have_returned;
} legal[SLOT_STATES] = {
	[SLOT_FREE]    = { NOBODY, false },
	[SLOT_WRITING] = { SOMEBODY, true },
	[SLOT_REVOKED] = { SOMEBODY, true },
	[SLOT_READY]   = { EITHER, true },
	[SLOT_DELAYED] = { NOBODY, true },
	[SLOT_READING] = { SOMEBODY, true },
	[SLOT_DEAD]    = { NOBODY, true },
};

bool slot_is_legal(uint64_t word, uint32_t members)
{
	enum slot_state state = slot_state(word);
	uint32_t owner = slot_owner(word);

	if (state >= SLOT_STATES || owner > members)
		return false;
	if (legal[state].owner == NOBODY && owner != 0)
		return false;
	if (legal[state].owner == SOMEBODY && owner == 0)
		return false;
	return legal[state].may_have_returned || slot_returns(word) == 0;
}
