/*
 * stop.pml - is nothing accepted once a strict stop flag is up, and no slot left behind? See README.md.
 *
 * Sizes: PRODUCERS publish up to ITEMS each into SLOTS; RAISERS raise the flag, each to any mode; LOOKERS
 * recover (killed too); KILLS. Ready items are acked at any time.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef RAISERS
#define RAISERS 2
#endif
#ifndef LOOKERS
#define LOOKERS 1
#endif
#ifndef ITEMS
#define ITEMS 1
#endif
#ifndef SLOTS
#define SLOTS 2
#endif
#define MEMBERS (PRODUCERS + RAISERS + LOOKERS)

#include "common.inc"

#define FREE 0
#define WRITING 1
#define REVOKED 2
#define READY 3

#define SOFT 1
#define STRICT 2
#define NOW 3

#define RUNS 0
#define DEAD 1
#define LEFT 2

byte state[SLOTS], owner[SLOTS], gen[SLOTS];	/* the words */
byte mode;				/* the flag: mode and closing are one word */
bool closing;
byte stop_published;

byte life[MEMBERS + 1], lock[MEMBERS + 1];
bool has_intent[MEMBERS + 1];		/* of a publish, not counted yet */
byte intent_slot[MEMBERS + 1], intent_gen[MEMBERS + 1];
byte count[MEMBERS + 1];

byte accepted;		/* ghosts */
byte accepted_of[MEMBERS + 1];
bool is_up;		/* strict or now, once and for ever */

#ifdef MISTAKE_NOTE_LOWERS
#define NOTE(n) STEP(stop_published = n; n = 0)
#else
#define NOTE(n) STEP(if :: stop_published < n -> stop_published = n :: else -> skip fi; n = 0)
#endif

/* complete(): `flag` and `was_closing` are what it read of the flag */
inline complete()
{
	do
	:: !was_closing -> break
	:: else ->
#ifdef MISTAKE_NO_HELP
	   if :: !raises -> break :: else fi;
#endif
#ifdef MISTAKE_UP_BEFORE_PASS
	   STEP(is_up = 1);
#endif
#ifndef MISTAKE_NO_REVOKING
	   i = 0;
	   do
	   :: i == SLOTS -> break
	   :: else -> STEP(if :: state[i] == WRITING -> state[i] = REVOKED :: else -> skip fi; i++)
	   od;
	   i = 0;
#endif
	   STEP(sum = accepted);	/* its generations are final now, but in whose order they are read */
	   NOTE(sum);
	   STEP(
		if
		:: closing && mode == flag -> closing = 0; was_closing = 0; is_up = 1
		:: else -> flag = mode; was_closing = closing
		fi)
	od;
	was_closing = 0
}

/* flags_mode() -> flag */
inline flags_mode()
{
	STEP(flag = mode; was_closing = closing);
	complete()
}

/* give_up() */
inline give_up()
{
	if
	:: atomic { state[s] == WRITING -> assert(owner[s] == me); state[s] = FREE; owner[s] = 0 }
	:: atomic { state[s] != WRITING -> skip };
#ifndef MISTAKE_GIVE_UP_ONCE
	   STEP(assert(state[s] == REVOKED && owner[s] == me); state[s] = FREE; owner[s] = 0)
#endif
	DIE
	fi
}

#define CLAIM(slot) :: atomic { state[slot] == FREE -> state[slot] = WRITING; owner[slot] = me; s = slot }

proctype Producer(byte me)
{
	byte s, i, made, flag, sum;
	bool was_closing;
	bool raises;
look:
	do
	:: made == ITEMS -> break
	:: else ->
	   flags_mode();
	   if :: flag -> flag = 0; break :: else fi;
	   if
	   CLAIM(0)
#if SLOTS > 1
	   CLAIM(1)
#endif
#if SLOTS > 2
	   CLAIM(2)
#endif
	   :: mode != 0 -> goto look		/* nothing free, and then woken by the flag */
	   DIE
	   fi;
#ifndef MISTAKE_NO_LOOK_AFTER_CLAIM
	   flags_mode();
	   if
	   :: flag -> flag = 0; give_up(); break
	   :: else
	   fi;
#endif
	   STEP(has_intent[me] = 1; intent_slot[me] = s; intent_gen[me] = gen[s]);
	   if
	   :: atomic {
		state[s] == WRITING ->
		assert(owner[s] == me);
		assert(!is_up);
		state[s] = READY; owner[s] = 0; gen[s]++;
		accepted++; accepted_of[me]++; made++
	      };
	      STEP(has_intent[me] = 0; count[me]++)
	   :: atomic { state[s] != WRITING -> assert(state[s] == REVOKED && owner[s] == me) };
	      STEP(has_intent[me] = 0);
	      give_up();
	      break
	   DIE
	   fi;
	   s = 0
	od;
	STEP(life[me] = LEFT);
	goto stopped;
dead:
	atomic { life[me] = DEAD };
stopped:
	atomic { s = 0; i = 0; made = 0; flag = 0; sum = 0; was_closing = 0 };
	false
}

proctype Raiser(byte me)
{
	byte i, flag, sum, to, new;
	bool was_closing;
	bool raises = 1;
	if
	:: to = SOFT
	:: to = STRICT
	:: to = NOW
	:: goto leave
	fi;
	if
	:: atomic { mode >= to -> flag = mode; was_closing = closing }; complete()
	:: atomic {
		mode < to ->
		mode = to;
		closing = (to >= STRICT);
		flag = to; was_closing = closing
	   };
	   complete();
	   if
	   :: to == SOFT -> STEP(sum = accepted); NOTE(sum)
	   :: else
	   fi
	DIE
	fi;
	assert(to < STRICT || is_up);
leave:
	STEP(life[me] = LEFT);
	goto stopped;
dead:
	atomic { life[me] = DEAD };
stopped:
	atomic { i = 0; flag = 0; sum = 0; to = 0; was_closing = 0; raises = 0 };
	false
}

#define UNTOUCHED(slot) (owner[slot] == whom && gen[slot] == intent_gen[whom] && \
	(state[slot] == WRITING || SEEN_REVOKED(slot)))
#ifdef MISTAKE_REVOKED_IS_PUBLISHED
#define SEEN_REVOKED(slot) false
#else
#define SEEN_REVOKED(slot) (state[slot] == REVOKED)
#endif

inline journal_settle()
{
	STEP(
		if
		:: has_intent[whom] && !UNTOUCHED(intent_slot[whom]) -> count[whom]++
		:: else -> skip
		fi;
		has_intent[whom] = 0;
		assert(count[whom] == accepted_of[whom]))
}

#define LOCKABLE(who) :: atomic { life[who] == DEAD && lock[who] == 0 -> lock[who] = me; whom = who }
proctype Looker(byte me)
{
	byte whom, i, s, flag, sum;
	bool was_closing;
	bool raises;
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
#if MEMBERS > 5
	LOCKABLE(6)
#endif
	DIE
	fi;
#ifndef MISTAKE_SETTLED_LATE
	journal_settle();
#endif
	do
	:: s == SLOTS -> break
	:: else ->
	   if
	   :: atomic { state[s] == WRITING && owner[s] == whom -> i = WRITING }
	   :: atomic { !(state[s] == WRITING && owner[s] == whom) -> skip }
	   DIE
	   fi;
	   if
	   :: i == WRITING ->
	      STEP(if :: state[s] == WRITING && owner[s] == whom -> state[s] = FREE; owner[s] = 0 :: else -> skip fi);
	      i = 0
	   :: else
	   fi;
	   STEP(if :: state[s] == REVOKED && owner[s] == whom -> state[s] = FREE; owner[s] = 0 :: else -> skip fi);
	   s++
	od;
	s = 0;
#ifdef MISTAKE_SETTLED_LATE
	journal_settle();
#endif
	flags_mode();
	flag = 0;
	STEP(life[whom] = LEFT; lock[whom] = 0; whom = 0);
	goto look;
dead:
	atomic {
		life[me] = DEAD;
		if :: whom -> lock[whom] = 0 :: else -> skip fi;
		whom = 0; i = 0; s = 0; flag = 0; sum = 0; was_closing = 0
	};
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
		:: i > PRODUCERS && i <= PRODUCERS + RAISERS -> run Raiser(i); i++
		:: i > PRODUCERS + RAISERS && i <= MEMBERS -> run Looker(i); i++
		:: i > MEMBERS -> break
		od;
		i = 0
	};
	do	/* the consumers */
	:: atomic { state[0] == READY -> state[0] = FREE }
	:: atomic { state[SLOTS - 1] == READY -> state[SLOTS - 1] = FREE }
	:: atomic { timeout -> break }
	od;
	atomic {
		i = 1;
		do
		:: i <= PRODUCERS -> assert(life[i] == LEFT); assert(count[i] == accepted_of[i]); i++
		:: i > PRODUCERS && i <= PRODUCERS + RAISERS -> assert(life[i] == LEFT); i++
		:: else -> break
		od;
		assert(!closing);
		assert(mode < STRICT || is_up);
		assert(mode < STRICT || stop_published == accepted);
		i = 0;
		do
		:: i < SLOTS -> assert(state[i] == FREE); i++
		:: else -> break
		od
	}
}
