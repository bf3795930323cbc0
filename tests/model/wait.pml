/*
 * wait.pml - does everybody who sleeps beside work, or at the end of the line, wake up? See README.md.
 *
 * Sizes: MAKERS publish ITEMS each, TAKERS take; one of them may stay with its item for ever (BUSY); KILLS
 * and STOPS; GIVE_BACKS with a delay; LOOKERS recover (killed too). Nobody who is killed comes back.
 */
#ifndef MAKERS
#define MAKERS 2
#endif
#ifndef TAKERS
#define TAKERS 2
#endif
#ifndef ITEMS
#define ITEMS 1
#endif
#ifndef BUSY
#define BUSY 1
#endif
#ifndef GIVE_BACKS
#define GIVE_BACKS 0
#endif
#ifndef LOOKERS
#define LOOKERS 1
#endif
#define MEMBERS (MAKERS + TAKERS + LOOKERS)
#define FIRST_TAKER (MAKERS + 1)
#define FIRST_LOOKER (MAKERS + TAKERS + 1)

#include "common.inc"
#include "wait.inc"

#define RUNS 0
#define DEAD 1
#define FREE 2	/* its entry */

byte life[MEMBERS + 1];
byte lock[MEMBERS + 1];	/* who recovers it; 0 nobody */
bool producer[MEMBERS + 1];	/* the role in its entry */
byte in_hand[MEMBERS + 1];	/* READING */
byte unhinted[MEMBERS + 1];	/* READY and owned by it, no hint yet */
byte items;			/* READY and hinted */
byte delayed;			/* DELAYED */
byte left;			/* all of these */
bool next_due;			/* not "never" */
bool ending;
byte busy, give_backs;

#define NO_PRODUCERS (!producer[1] && (MAKERS < 2 || !producer[2]))
/* One pass over the words is as good as one instant: without producers a free slot stays free. */
#define DRAINED (ending && NO_PRODUCERS && left == 0)

/* recover_hint(): of a slot that `whose` owns */
inline hint(whose)
{
#ifdef MISTAKE_WAKE_BEFORE_HINT
	wait_wake(READY_SIDE);
	STEP(unhinted[whose]--; items++)
#else
	STEP(unhinted[whose]--; items++);
	wait_wake(READY_SIDE)
#endif
}

inline tell_if_drained()
{
	if
	:: atomic { ending && wanted[READY_SIDE] > 0 -> skip };
	   if
	   :: atomic { DRAINED -> skip }; wait_wake(READY_SIDE)
	   :: atomic { !DRAINED -> skip }
	   DIE
	   fi
	:: atomic { !(ending && wanted[READY_SIDE] > 0) -> skip }
	DIE
	fi
}

proctype Maker(byte me)
{
	byte made;
	do
	:: made == ITEMS -> break
	:: else -> STEP(unhinted[me]++; left++; made++); hint(me)
	od;
	if
	:: atomic { busy > 0 -> busy--; goto stay }
	:: true
	DIE
	fi;
#ifdef MISTAKE_FREE_BEFORE_WAKING
	STEP(ending = 1; producer[me] = 0; life[me] = FREE);
	wait_wake(READY_SIDE);
	goto stopped;
#else
	STEP(ending = 1);
	STEP(producer[me] = 0);
	wait_wake(READY_SIDE);
	STEP(life[me] = FREE);
	goto stopped;
#endif
stay:
	if
	:: false
	DIE
	fi;
dead:
	atomic { if :: life[me] == RUNS -> life[me] = DEAD :: else -> skip fi; made = 0 };
stopped:
	made = 0;
	false
}

#define NOTHING 0
#define ITEM 1
#define END 2

proctype Taker(byte me)
{
	byte found, n, next;
	bool asked, slept, timed;
look:
#if GIVE_BACKS
	if
	:: atomic { next_due -> next_due = 0; n = delayed; next = 0 };
	   do
	   :: n == 0 -> break
	   :: n > 0 -> n--; next = 1		/* not due */
	   :: n > 0 -> n--;			/* due */
		if
		:: atomic { delayed > 0 -> delayed--; unhinted[me]++ }; hint(me)
		:: atomic { delayed == 0 -> skip }
		DIE
		fi
	   od;
	   STEP(if :: next -> next_due = 1; next = 0 :: else -> skip fi)
	:: true				/* not yet, or none */
	DIE
	fi;
#endif
	if
	:: atomic { items > 0 -> items--; in_hand[me] = 1; found = ITEM }
	:: atomic { items == 0 && DRAINED -> found = END }
	:: atomic { items == 0 && !DRAINED -> found = NOTHING }
	DIE
	fi;

	if
	:: found == NOTHING && !asked ->
	   atomic { slept = 1; asked = 1 };
#ifdef MISTAKE_NO_SECOND_LOOK
	   wait_ask(READY_SIDE);
	   goto doze
#else
	   wait_ask(READY_SIDE);
	   goto look
#endif
	:: found == NOTHING && asked ->
doze:
	   timed = next_due;
	   wait_sleep(READY_SIDE);
	   atomic { timed = 0; asked = 0 };
#ifndef MISTAKE_MARKED_AWAKE
	   unmark();
#endif
	   goto look
	:: found != NOTHING && asked ->
	   asked = 0;
	   wait_unask(READY_SIDE);
	   unmark()
	:: found != NOTHING && !asked
	fi;
#ifdef MISTAKE_MARKED_AWAKE
	unmark();
#endif
#ifndef MISTAKE_NO_PASSING_ON
	if
	:: slept || found == END ->
	   if
	   :: atomic { found == END || items > 0 || next_due -> skip }; wait_wake(READY_SIDE)
	   :: atomic { !(found == END || items > 0 || next_due) -> skip }
	   DIE
	   fi
	:: else
	fi;
#endif
	slept = 0;
	if
	:: found == END -> found = 0; goto leave
	:: else -> found = 0
	fi;

	if
	:: atomic { busy > 0 -> busy--; goto stay }
	:: atomic { in_hand[me] = 0; left-- }; tell_if_drained()
#if GIVE_BACKS
	:: atomic { give_backs > 0 -> give_backs--; in_hand[me] = 0; delayed++ };
	   STEP(next_due = 1);
	   wait_wake(READY_SIDE)
#endif
	DIE
	fi;
	goto look;
stay:
	if
	:: false
	DIE
	fi;
leave:
	wait_wake(READY_SIDE);
	STEP(life[me] = FREE);
	goto stopped;
dead:
	atomic {
		queue[me] = 0;
		life[me] = DEAD;
		found = 0; n = 0; next = 0; asked = 0; slept = 0; timed = 0
	};
	false;
stopped:
	queue[me] = 0;
	false
}

/* recover_member(whom), which is dead */
#define LOCKABLE(who) atomic { life[who] == DEAD && !lock[who] -> lock[who] = me; whom = who }
proctype Looker(byte me)
{
	byte whom, was, n;
look:
	if
	:: LOCKABLE(1)
	:: LOCKABLE(2)
	:: LOCKABLE(3)
#if MEMBERS > 3
	:: LOCKABLE(4)
#endif
#if MEMBERS > 4
	:: LOCKABLE(5)
#endif
#if MEMBERS > 5
	:: LOCKABLE(6)
#endif
	DIE
	fi;
	was = waiting[whom];
	do
	:: unhinted[whom] > 0 -> hint(whom)
	:: else -> break
	od;
	if
	:: in_hand[whom] > 0 -> STEP(in_hand[whom]--; unhinted[whom]++); hint(whom)
	:: else
	fi;
#if GIVE_BACKS
	STEP(next_due = 1);
#endif
#ifdef MISTAKE_FREE_BEFORE_WAKING
	STEP(ending = 1; producer[whom] = 0; life[whom] = FREE);
	wait_replace(READY_SIDE, was == 1);
	STEP(lock[whom] = 0; whom = 0; was = 0);
	goto look;
#endif
	if
	:: producer[whom] -> STEP(ending = 1); STEP(producer[whom] = 0)
	:: else
	fi;
	wait_replace(READY_SIDE, was == 1);
	STEP(waiting[whom] = 0);
	STEP(life[whom] = FREE; lock[whom] = 0; whom = 0; was = 0);
	goto look;
dead:
	atomic {
		life[me] = DEAD;
		if :: whom -> lock[whom] = 0 :: else -> skip fi;
		whom = 0; was = 0; n = 0
	};
	false;
stopped:
	false
}

#define NOBODY_ASLEEP (queue[FIRST_TAKER] == 0 && (TAKERS < 2 || queue[FIRST_TAKER + 1] == 0) && \
	(TAKERS < 3 || queue[FIRST_TAKER + 2] == 0))

active proctype Judge()
{
	byte i;
	bool found;
	atomic {
		choose_misfortunes();
		busy = BUSY;
		give_backs = GIVE_BACKS;
		i = 1;
		do
		:: i <= MAKERS -> producer[i] = 1; run Maker(i); i++
		:: i > MAKERS && i <= MAKERS + TAKERS -> run Taker(i); i++
		:: i > MAKERS + TAKERS && i <= MEMBERS -> run Looker(i); i++
		:: i > MEMBERS -> break
		od;
		i = 0
	};
#if STOPS
	/* The launcher's sweep: hints again what the stopped one owns, and issues the wake-up that it owes. */
	atomic {
		timeout;
		i = 1;
		do
		:: i <= MEMBERS ->
			items = items + unhinted[i];
			unhinted[i] = 0;
			found = found || waiting[i] == READY_SIDE + 1;
			i++
		:: else -> i = 0; break
		od;
		found = found && (items > 0 || DRAINED)
	};
	if
	:: found -> wait_nudge(READY_SIDE)
	:: else
	fi;
dead: stopped:
#endif
	/* Nobody can do anything any more. */
	atomic {
		timeout;
		assert(items == 0 || NOBODY_ASLEEP);
		assert(delayed == 0 || NOBODY_ASLEEP);
		assert(!DRAINED || NOBODY_ASLEEP)
	}
}
