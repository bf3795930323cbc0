/*
 * exitcode.h - what every program's exit code means. The launcher decides by them: wrong usage is
 * never retried. Those from 64 on are sysexits.h's, 123 to 127 are as in xargs and the shell.
 */
#ifndef SHMLINE_EXITCODE_H
#define SHMLINE_EXITCODE_H

enum exit_code {
	EXIT_OK = 0,
	EXIT_BAD_USAGE = 64,
	EXIT_BAD_DATA = 65,		/* an item too long, a record cut short */
	EXIT_NO_INPUT = 66,		/* a file that can't be read */
	EXIT_NO_RING = 69,		/* a service that isn't there: no such ring, no member entry free */
	EXIT_INTERNAL = 70,		/* the books don't balance, or the ring is damaged */
	EXIT_SYSTEM = 71,		/* fork failed, no descriptors, no memory */
	EXIT_CANT_CREATE = 73,		/* no room for the ring, an output file that can't be made */
	EXIT_IO = 74,
	EXIT_ITEMS_LEFT = 75,		/* items left in the ring; of a COMMAND: try this item again later */
	EXIT_NO_PERMISSION = 77,
	EXIT_ITEMS_DEAD = 123,
	EXIT_ITEM_STOPPED = 124,	/* an item raised the stop flag */
	EXIT_GAVE_UP = 125,		/* a worker was given up */
	EXIT_CANT_RUN = 126,
	EXIT_NOT_FOUND = 127,
	EXIT_BY_SIGNAL = 128,		/* plus the signal's number */
};

/* Exit codes of an item's COMMAND that mean more than "failed". */
enum item_code {
	ITEM_ACK = 0,
	ITEM_DEAD = 65,
	ITEM_LATER = 75,
	ITEM_STOP = 255,
};

#endif
