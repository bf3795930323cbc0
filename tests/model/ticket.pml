/*
 * ticket.pml - is each ticket published exactly once, whoever is killed where? See README.md.
 *
 * Sizes: PRODUCERS share TICKETS, each with the lane of its number; SLOTS; CONSUMERS; LOOKERS recover (killed
 * too); KILLS. Producers that are killed are started again.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 1
#endif
#ifndef LOOKERS
#define LOOKERS 1
#endif
#ifndef TICKETS
#define TICKETS 2
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#define LANES PRODUCERS
#define FIRST_LOOKER (PRODUCERS + CONSUMERS + 1)
#define MEMBERS (PRODUCERS + CONSUMERS + LOOKERS)

#include "common.inc"

#define FREE 0
#define WRITING 1
#define READY 2
#define READING 3
byte state[SLOTS], owner[SLOTS], gen[SLOTS];
byte lane_of[SLOTS], mark_of[SLOTS];

byte count, last_lane;			/* the counter: one word; lanes from 1 */
byte lane_owner[LANES + 1], granted[LANES + 1], used[LANES + 1];

#define RUNS 0
#define DEAD 1
#define RECOVERED 2
#define LEFT 3
byte life[MEMBERS + 1], lock[MEMBERS + 1];

bool published[TICKETS + 1];	/* ghost */

#define RAISE(value, to) if :: value < to -> value = to :: else -> skip fi

#ifdef MISTAKE_NO_HELP_FOR_TICKETS
#define HELPS(of) (l == of)
#else
#define HELPS(of) (l != 0)
#endif

/* help_ticket() -> c, l: the counter's word */
inline help_ticket(own_lane)
{
	STEP(c = count; l = last_lane);
	if
	:: HELPS(own_lane) -> STEP(RAISE(granted[l], c))
	:: else
	fi
}

/* -> is_unused; `used` is read first */
inline has_unused_ticket(lane)
{
	STEP(u = used[lane]);
	STEP(is_unused = granted[lane] > u; u = 0)
}

inline own(lane)
{
	STEP(if :: lane_owner[lane] == 0 -> lane_owner[lane] = me; k = lane :: else -> k = 0 fi)
}

/* The lane of its number; another only if a living producer has adopted that */
inline lanes_acquire()
{
	do
	:: own(me);
	   if :: k -> mine = k; break :: else fi;
	   if
	   :: atomic { lane_owner[me] != 0 && life[lane_owner[me]] == RUNS -> skip };
		own(3 - me);
		if :: k -> mine = k; break :: else fi
	   :: atomic { lane_owner[me] == 0 || life[lane_owner[me]] != RUNS -> skip }
	   DIE
	   fi
	od;
	k = 0
}

proctype Producer(byte me)
{
	byte mine, ticket, s, c, l, u, k, n;
	bool is_unused;
start:
	lanes_acquire();
next:
	/* lanes_ticket() */
	help_ticket(mine);
	has_unused_ticket(mine);
	if
	:: is_unused -> STEP(ticket = granted[mine]; c = 0; l = 0; is_unused = 0)
	:: !is_unused && c >= TICKETS ->
	   n = LANES;
	   do
	   :: n == 0 -> goto leave
	   :: else ->
		has_unused_ticket(n);
		if
		:: is_unused -> own(n); is_unused = 0; if :: k -> break :: else fi
		:: else
		fi;
		n--
	   od;
	   STEP(if :: lane_owner[mine] == me -> lane_owner[mine] = 0 :: else -> skip fi);
	   atomic { mine = k; k = 0; n = 0; c = 0; l = 0 };
	   goto next
	:: else ->
	   STEP(if :: count == c && last_lane == l -> count = c + 1; last_lane = mine :: else -> skip fi; c = 0; l = 0);
	   goto next
	fi;
	/* reserve, publish */
	if
	:: atomic { state[0] == FREE -> state[0] = WRITING; owner[0] = me; s = 0 }
#if SLOTS > 1
	:: atomic { state[1] == FREE -> state[1] = WRITING; owner[1] = me; s = 1 }
#endif
	DIE
	fi;
	STEP(mark_of[s] = ticket);
	STEP(lane_of[s] = mine);
	STEP(assert(state[s] == WRITING && owner[s] == me);
		state[s] = READY; owner[s] = 0; gen[s]++;
		assert(!published[ticket]); published[ticket] = 1);
	STEP(RAISE(used[mine], ticket); ticket = 0; s = 0);
	goto next;
leave:
	STEP(if :: lane_owner[mine] == me -> lane_owner[mine] = 0 :: else -> skip fi;
		life[me] = LEFT; mine = 0; c = 0; l = 0; n = 0; k = 0);
	false;
dead:
	atomic { mine = 0; ticket = 0; s = 0; c = 0; l = 0; u = 0; k = 0; n = 0; is_unused = 0; life[me] = DEAD };
	atomic { life[me] == RECOVERED -> life[me] = RUNS; goto start };
stopped:
	false
}

proctype Consumer(byte me)
{
	byte s;
start:
	if
	:: atomic { state[0] == READY -> state[0] = READING; owner[0] = me; s = 0 }
#if SLOTS > 1
	:: atomic { state[1] == READY -> state[1] = READING; owner[1] = me; s = 1 }
#endif
	DIE
	fi;
#ifndef MISTAKE_NO_HELP_FOR_LANES
	STEP(RAISE(used[lane_of[s]], mark_of[s]));
#endif
	STEP(assert(state[s] == READING && owner[s] == me); state[s] = FREE; owner[s] = 0; s = 0);
	goto start;
dead:
	atomic { s = 0; life[me] = DEAD };
	atomic { life[me] == RECOVERED -> life[me] = RUNS; goto start };
stopped:
	false
}

#define HOLDS_ITEM(s) (state[s] == READY || state[s] == READING)
#ifdef MISTAKE_ONLY_GENERATION_CHECKED
#define SAME_ITEM(s) (gen[s] == g)
#else
#define SAME_ITEM(s) (gen[s] == g && HOLDS_ITEM(s))
#endif

inline advance_lanes()
{
	help_ticket(LANES + 1);
	atomic { c = 0; l = 0 };
	do
	:: s == SLOTS -> break
	:: else ->
	   if
	   :: atomic { HOLDS_ITEM(s) -> g = gen[s] };
		STEP(l = lane_of[s]);
		STEP(m = mark_of[s]);
		if
		:: atomic { lane_owner[l] == whom -> skip };
		   if
		   :: atomic { SAME_ITEM(s) -> skip }; STEP(RAISE(used[l], m))
		   :: atomic { !SAME_ITEM(s) -> skip }
		   DIE
		   fi
		:: atomic { lane_owner[l] != whom -> skip }
		DIE
		fi;
		atomic { g = 0; m = 0; l = 0 }
	   :: atomic { !HOLDS_ITEM(s) -> skip }
	   DIE
	   fi;
	   s++
	od;
	s = 0
}

inline lanes_release()
{
	do
	:: s == LANES -> break
	:: else -> STEP(if :: lane_owner[s + 1] == whom -> lane_owner[s + 1] = 0 :: else -> skip fi; s++)
	od;
	s = 0
}

#define LOCKABLE(who) :: atomic { life[who] == DEAD && lock[who] == 0 -> lock[who] = me; whom = who }
proctype Looker(byte me)
{
	byte whom, s, c, l, g, m;
look:
	if
	LOCKABLE(1)
	LOCKABLE(2)
	LOCKABLE(3)
#if MEMBERS > 3
	LOCKABLE(4)
#endif
#if MEMBERS > 4
	LOCKABLE(5)
#endif
	DIE
	fi;
#ifdef MISTAKE_LANES_RELEASED_FIRST
	lanes_release();
#endif
	advance_lanes();
	do
	:: s == SLOTS -> break
	:: else ->
	   STEP(
		if
		:: owner[s] == whom && state[s] == WRITING -> state[s] = FREE; owner[s] = 0
		:: owner[s] == whom && state[s] == READING -> state[s] = READY; owner[s] = 0
		:: else -> skip
		fi;
		s++)
	od;
	s = 0;
	lanes_release();
	STEP(life[whom] = RECOVERED; lock[whom] = 0; whom = 0);
	goto look;
dead:
	atomic {
		life[me] = DEAD;
		if :: whom -> lock[whom] = 0 :: else -> skip fi;
		whom = 0; s = 0; c = 0; l = 0; g = 0; m = 0
	};
	false;
stopped:
	false
}

active proctype Judge()
{
	byte i;
	atomic {
		choose_misfortunes();
		i = 1;
		do
		:: i <= PRODUCERS -> run Producer(i); i++
		:: i > PRODUCERS && i < FIRST_LOOKER -> run Consumer(i); i++
		:: i >= FIRST_LOOKER && i <= MEMBERS -> run Looker(i); i++
		:: i > MEMBERS -> break
		od;
		i = 0
	};
	atomic {
		timeout;
		i = 1;
		do
		:: i <= TICKETS -> assert(published[i]); i++
		:: else -> i = 1; break
		od;
		do
		:: i <= PRODUCERS -> assert(life[i] == LEFT); i++
		:: else -> i = 1; break
		od;
		do
		:: i <= LANES -> assert(lane_owner[i] == 0); assert(used[i] == granted[i]); i++
		:: else -> i = 0; break
		od
	}
}
