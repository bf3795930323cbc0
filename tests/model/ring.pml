/*
 * ring.pml - slots, hints, journal, lanes, recovery, sweep: is every item accepted once and done with once,
 * whoever is killed or stopped where? Waiting is ideal here (wait.pml has it). See README.md.
 *
 * Sizes: PRODUCERS publish ITEMS each into SLOTS told by CELLS, whose ends lag by less than LAG; CONSUMERS; LOOKERS recover and sweep (killed
 * too); KILLS, STOPS, GIVE_BACKS, DELAYS (given back for later), BURIALS (declared dead), DROPS (of the
 * oldest), KICKS (of dead letters, put back), SWEEPS (at any time). Who is killed is started again when it has
 * been recovered.
 */
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#ifndef CONSUMERS
#define CONSUMERS 2
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
#ifndef CELLS
#define CELLS 4
#endif
#ifndef LAG
#define LAG 1
#endif
#ifndef GIVE_BACKS
#define GIVE_BACKS 0
#endif
#ifndef DELAYS
#define DELAYS 0
#endif
#ifndef BURIALS
#define BURIALS 0
#endif
#ifndef DROPS
#define DROPS 0
#endif
#ifndef KICKS
#define KICKS 0
#endif
#ifndef SWEEPS
#define SWEEPS 0
#endif
#define FIRST_LOOKER (PRODUCERS + CONSUMERS + 1)
#define MEMBERS (PRODUCERS + CONSUMERS + LOOKERS)

#include "common.inc"

/* a slot's word, and what is in the slot */
#define FREE 0
#define WRITING 1
#define READY 2
#define DELAYED 3
#define READING 4
#define BURIED 5
byte state[SLOTS], owner[SLOTS], returns[SLOTS], gen[SLOTS];
byte item[SLOTS];		/* lane * ITEMS + its number there; also its id */
#define TORN 99
#define LANE(i) ((i) / ITEMS)

/* the order: a cell is position + 1, slot, tag */
byte cell[CELLS], cell_slot[CELLS], cell_tag[CELLS];
byte head, tail;
bool next_due;			/* not "never" */

/* members and lanes */
#define RUNS 0
#define DEAD 1
#define RECOVERED 2
#define LEFT 3
#define STOPPED 4
byte life[MEMBERS + 1], lock[MEMBERS + 1];
byte mark[PRODUCERS];		/* items accepted on the lane */
#define NOTHING 0
#define PUBLISH 1
#define FINISH 2
byte intent[MEMBERS + 1], intent_slot[MEMBERS + 1], intent_gen[MEMBERS + 1];

/* ghosts */
bool is_accepted[PRODUCERS * ITEMS], is_done[PRODUCERS * ITEMS];
byte deliveries[PRODUCERS * ITEMS];
byte first_taken[PRODUCERS];
byte uncounted[MEMBERS + 1];	/* swaps that its counters do not have yet */
bool was_kicked[PRODUCERS * ITEMS];
bool is_untold;			/* there was no room for somebody's hint */

byte give_backs, delays, burials, drops, kicks, sweeps;
byte sweeps_asked;

#define ALL_LEFT (life[1] == LEFT && (PRODUCERS < 2 || life[2] == LEFT))
#define IS_EMPTY(s) (state[s] == FREE || state[s] == BURIED)
#if SLOTS == 2
#define EMPTY (IS_EMPTY(0) && IS_EMPTY(1))
#else
#define EMPTY (IS_EMPTY(0) && IS_EMPTY(1) && IS_EMPTY(2))
#endif
/* The launcher holds the line until all that it starts again have left. One pass over the words is as good
   as one instant: without producers a free slot stays free. */
#define DRAINED (ALL_LEFT && EMPTY)

#define FILLED(position) (cell[(position) % CELLS] == (position) + 1)
#define TAG(s) (gen[s] * 8 + returns[s])
#define IS_CURRENT(s, g) (state[s] == READY && TAG(s) == g)

/* A producer does not give up what it publishes: it notes how far it has told. What was taken once is owned
   for just as long as it is untold. */
byte noted[MEMBERS + 1];
bool is_fresh[SLOTS];
#define UNTOLD(s) (state[s] == READY && owner[s] != 0 && \
	(returns[s] > 0 || !is_fresh[s] || item[s] - LANE(item[s]) * ITEMS + 1 > noted[owner[s]]))

/* ------------------------------------------------------------------ the order (hints.c) */

#define HELP 1
#define TRY 2
#define DONE 3
#define FULL 4

/* Moves head or tail to where one is, or leaves it if it lags by less than LAG. Where it lags, who begins
   there steps over what others have done; the code begins further on if it has been there. */
#define TELL(position, at) \
	if \
	:: position < at -> position = at \
	:: position < at && at - position < LAG -> skip \
	:: position >= at -> skip \
	fi

/* Reading a cell and head is one step: a cell that is filled stays so until head has passed it, and
   head and tail pass no cell that is not. */
inline hints_push(s, g)
{
	atomic { t = tail };
	do
	:: atomic {
		if
		:: FILLED(t) -> m = HELP; t++
		:: cell[t % CELLS] > t + 1 -> m = NOTHING; t = tail
		:: cell[t % CELLS] < t + 1 && t - head >= CELLS -> m = FULL
		:: cell[t % CELLS] < t + 1 && t - head < CELLS -> m = TRY; x = cell[t % CELLS]
		fi
	   };
	   if
	   :: m == HELP -> STEP(TELL(tail, t); m = 0)
	   :: m == TRY ->
		STEP(
			if
			:: cell[t % CELLS] == x ->
				cell[t % CELLS] = t + 1;
				cell_slot[t % CELLS] = s;
				cell_tag[t % CELLS] = g;
				m = DONE; t++
			:: else -> m = 0
			fi;
			x = 0);
		if
		:: m == DONE -> STEP(TELL(tail, t); t = 0; m = 0); break
		:: else
		fi
	   :: m == FULL ->	/* step over what is stale; of what is not, repeated, it may be full */
		STEP(
			if
			:: FILLED(head) && IS_CURRENT(cell_slot[head % CELLS], cell_tag[head % CELLS]) ->
				is_untold = 1; t = 0
			:: FILLED(head) && !IS_CURRENT(cell_slot[head % CELLS], cell_tag[head % CELLS]) ->
				m = 0; head++
			:: else -> m = 0
			fi);
		if :: m == FULL -> break :: else fi
	   :: m == NOTHING -> skip
	   fi
	DIE
	od
}

#define FIRST_TAKE(i) \
	if \
	:: deliveries[i] == 0 && !was_kicked[i] -> \
		assert(i - LANE(i) * ITEMS == first_taken[LANE(i)]); \
		first_taken[LANE(i)]++ \
	:: else -> skip \
	fi
#define TAKE(g) \
	if \
	:: IS_CURRENT(s, g) -> \
		state[s] = READING; owner[s] = me; \
		FIRST_TAKE(item[s]); \
		deliveries[item[s]]++; \
		assert(deliveries[item[s]] == returns[s] + 1); \
		m = DONE \
	:: else -> m = HELP \
	fi

/* -> m: DONE, the slot in s; else NOTHING */
inline hints_take()
{
	atomic { h = head };
	do
	:: atomic { FILLED(h) -> s = cell_slot[h % CELLS]; x = cell_tag[h % CELLS] };
#ifdef MISTAKE_HEAD_FIRST
	   STEP(if :: head == h -> head++; m = TRY :: else -> m = 0 fi; h = 0);
	   if
	   :: m == TRY -> STEP(TAKE(x)); x = 0
	   :: else
	   fi;
	   h = head;
#else
	   STEP(TAKE(x); x = 0);
	   /* It was lost to another taker, or is stale: in either case it is done with. */
	   h++;
	   STEP(TELL(head, h));
#endif
	   if :: m == DONE -> h = 0; break :: else -> m = 0; s = 0 fi
	:: atomic { cell[h % CELLS] > h + 1 -> h = head }
	:: atomic { cell[h % CELLS] < h + 1 -> m = NOTHING; s = 0 };
	   STEP(if :: head < h -> head = h :: else -> skip fi; h = 0);
	   break
	DIE
	od
}

/* ------------------------------------------------------------------ slots and lanes */

inline lanes_advance(i)
{
	STEP(if :: mark[LANE(i)] < i - LANE(i) * ITEMS + 1 -> mark[LANE(i)] = i - LANE(i) * ITEMS + 1
		:: else -> skip fi)
}

/* recover_hint(): of slot s, READY and owned by `whose` in generation g. Without room for the hint it stays
   so, and a sweep tells it later. */
inline hint(s, g, whose)
{
#ifdef MISTAKE_DISOWNED_FIRST
	STEP(if :: IS_CURRENT(s, g) && owner[s] == whose -> owner[s] = 0 :: else -> skip fi);
	hints_push(s, g)
#else
	hints_push(s, g);
	if
	:: m == FULL -> m = 0
	:: else -> STEP(if :: IS_CURRENT(s, g) && owner[s] == whose -> owner[s] = 0 :: else -> skip fi)
	fi
#endif
}

/* The first ready slot of `whose` that is not yet told in this round (bits of `told`) -> s, g; or m = NOTHING */
#define BETTER(slot) (UNTOLD(slot) && owner[slot] == whom && !(told >> slot & 1) && \
	(m == NOTHING || item[slot] < item[s]))
#define CONSIDER(slot) if :: BETTER(slot) -> s = slot; g = TAG(slot); m = TRY :: else -> skip fi
inline hint_all()
{
	do
	:: atomic {
		m = NOTHING; s = 0;
		CONSIDER(0);
		CONSIDER(1);
#if SLOTS > 2
		CONSIDER(2);
#endif
		if
		:: m == NOTHING -> told = 0; s = 0; g = 0; break
		:: else -> told = told | (1 << s); m = 0
		fi
	   };
	   hint(s, g, whom)
	DIE
	od
}

inline room_for_dead()
{
	s = 0;
	do
	:: s == SLOTS -> break
	:: else -> STEP(if :: state[s] == BURIED -> state[s] = FREE :: else -> skip fi; s++)
	od;
	s = 0
}

/* recover_promote(), when what is delayed may be due */
inline promote()
{
	STEP(next_due = 0);
	do
	:: n == SLOTS -> break
	:: else ->
	   if
	   :: atomic { state[n] == DELAYED -> state[n] = READY; owner[n] = me; g = TAG(n) }; hint(n, g, me)
	   :: atomic { state[n] == DELAYED -> later = 1 }	/* not due */
	   :: atomic { state[n] != DELAYED -> skip }
	   DIE
	   fi;
	   atomic { n++; g = 0 }
	od;
	n = 0;
	STEP(if :: later -> next_due = 1; later = 0 :: else -> skip fi)
}

/* ------------------------------------------------------------------ producers and consumers */

/* ack, dead, drop */
inline finish(to)
{
#ifdef MISTAKE_NO_HELP_FOR_LANES
	STEP(intent[me] = FINISH; intent_slot[me] = s; intent_gen[me] = gen[s]);
#else
	STEP(
		if
		:: mark[LANE(item[s])] < item[s] - LANE(item[s]) * ITEMS + 1 ->
			mark[LANE(item[s])] = item[s] - LANE(item[s]) * ITEMS + 1
		:: else -> skip
		fi;
		intent[me] = FINISH; intent_slot[me] = s; intent_gen[me] = gen[s]);
#endif
	STEP(assert(state[s] == READING && owner[s] == me);
		state[s] = to; owner[s] = 0; returns[s] = 0; uncounted[me]++;
		assert(!is_done[item[s]]);
		is_done[item[s]] = 1; s = 0);
	STEP(intent[me] = NOTHING; uncounted[me]--)
}

/* A dead letter that was taken up: published under its id, or left dead. */
inline put_back()
{
	if
	:: STEP(intent[me] = PUBLISH; intent_slot[me] = s; intent_gen[me] = gen[s]);
	   STEP(assert(state[s] == WRITING && owner[s] == me);
		state[s] = READY; gen[s]++; returns[s] = 0; g = TAG(s); uncounted[me]++;
		assert(is_done[item[s]]);
		is_done[item[s]] = 0; deliveries[item[s]] = 0; was_kicked[item[s]] = 1);
	   STEP(intent[me] = NOTHING; uncounted[me]--);
	   hint(s, g, me)
	:: STEP(assert(state[s] == WRITING && owner[s] == me);
		state[s] = BURIED; owner[s] = 0; returns[s] = 0);
	   room_for_dead()
	fi;
	atomic { s = 0; g = 0 }
}

#define CLAIM(slot) :: atomic { state[slot] == FREE -> state[slot] = WRITING; owner[slot] = me; \
	returns[slot] = 0; s = slot; item[slot] = TORN }

proctype Producer(byte me)
{
	byte made, s, g, t, x, h, m;
start:
	STEP(made = mark[me - 1]);
	do
	:: made == ITEMS -> break
	:: else ->
	   if
	   CLAIM(0)
	   CLAIM(1)
#if SLOTS > 2
	   CLAIM(2)
#endif
#if DROPS
	   :: atomic { drops > 0 && state[0] != FREE && state[1] != FREE -> drops-- };
	      hints_take();
	      if
	      :: m == DONE -> m = 0; finish(FREE)
	      :: else
	      fi;
	      goto start
#endif
#if KICKS
	   :: atomic { kicks > 0 && (state[0] == BURIED || state[1] == BURIED) ->
		kicks--;
		if :: state[0] == BURIED -> s = 0 :: state[1] == BURIED -> s = 1 fi;
		state[s] = WRITING; owner[s] = me; returns[s] = 1 };
	      put_back();
	      goto start
#endif
	   DIE
	   fi;
	   STEP(item[s] = (me - 1) * ITEMS + made; is_fresh[s] = 1; g = (gen[s] + 1) * 8;
		intent[me] = PUBLISH; intent_slot[me] = s; intent_gen[me] = gen[s]);
#ifdef MISTAKE_HINT_BEFORE_PUBLISH
	   hints_push(s, g);
#endif
	   STEP(assert(state[s] == WRITING && owner[s] == me);
#ifdef MISTAKE_NO_OWNER_KEPT
		owner[s] = 0;
#endif
		state[s] = READY; gen[s]++; uncounted[me]++;
		assert(!is_accepted[item[s]]);
		is_accepted[item[s]] = 1);
	   STEP(intent[me] = NOTHING; uncounted[me]--);
	   lanes_advance((me - 1) * ITEMS + made);
#ifdef MISTAKE_NOTED_FIRST
	   STEP(noted[me] = made + 1);
#endif
#ifndef MISTAKE_HINT_BEFORE_PUBLISH
	   /* Without room it tells of this before it publishes the next, or leaves. */
	   do
	   :: hints_push(s, g);
	      if
	      :: m == FULL -> m = 0
	      :: else -> break
	      fi;
	      if
	      :: tail - head < CELLS || !IS_CURRENT(cell_slot[head % CELLS], cell_tag[head % CELLS])
	      DIE
	      fi
	   od;
#endif
#ifndef MISTAKE_NOTED_FIRST
	   STEP(noted[me] = made + 1);
#endif
	   atomic { s = 0; g = 0; made++ }
	od;
	STEP(life[me] = LEFT; made = 0);
	false;
dead:
	atomic { made = 0; s = 0; g = 0; t = 0; x = 0; h = 0; m = 0; life[me] = DEAD };
	atomic { life[me] == RECOVERED -> life[me] = RUNS; goto start };
stopped:
	atomic { made = 0; s = 0; g = 0; t = 0; x = 0; h = 0; m = 0; life[me] = STOPPED };
	false
}

proctype Consumer(byte me)
{
	byte s, g, t, x, h, m, n;
	bool later;
start:
#if DELAYS
	if
	:: atomic { next_due -> skip }; promote()
	:: true
	DIE
	fi;
#endif
	hints_take();
	if
	:: m == NOTHING ->
		if
		:: FILLED(head) -> goto start
		:: atomic { DRAINED -> life[me] = LEFT }; false
#if DELAYS
		:: next_due -> goto start
#endif
		DIE
		fi
	:: else -> m = 0
	fi;
	STEP(assert(item[s] != TORN); is_fresh[s] = 0);
	if
	:: true -> finish(FREE)
#if GIVE_BACKS
	:: atomic { give_backs > 0 -> give_backs-- };
	   STEP(assert(state[s] == READING && owner[s] == me); state[s] = READY; returns[s]++; g = TAG(s));
	   hint(s, g, me)
#endif
#if DELAYS
	:: atomic { delays > 0 -> delays-- };
	   STEP(assert(state[s] == READING && owner[s] == me); state[s] = DELAYED; owner[s] = 0; returns[s]++);
	   STEP(next_due = 1)
#endif
#if BURIALS
	:: atomic { burials > 0 -> burials-- };
	   finish(BURIED);
	   room_for_dead()
#endif
	fi;
	atomic { s = 0; g = 0 };
	goto start;
dead:
	atomic { s = 0; g = 0; t = 0; x = 0; h = 0; m = 0; n = 0; later = 0; life[me] = DEAD };
	atomic { life[me] == RECOVERED -> life[me] = RUNS; goto start };
stopped:
	atomic { s = 0; g = 0; t = 0; x = 0; h = 0; m = 0; n = 0; later = 0; life[me] = STOPPED };
	false
}

/* ------------------------------------------------------------------ recovery (recover.c) */

#define MOVED(slot) (owner[slot] != whom || gen[slot] != intent_gen[whom] || \
	state[slot] != (intent[whom] == PUBLISH -> WRITING : READING))
inline journal_settle()
{
	STEP(
		if
		:: intent[whom] != NOTHING && MOVED(intent_slot[whom]) -> uncounted[whom]--
		:: else -> skip
		fi;
		intent[whom] = NOTHING;
		assert(uncounted[whom] == 0))
}

#define HOLDS_ITEM(slot) (state[slot] == READY || state[slot] == READING || state[slot] == DELAYED)

inline recover_member()
{
#ifndef MISTAKE_SETTLED_LATE
	journal_settle();
#endif
#ifndef MISTAKE_LANES_NOT_RECOVERED
	do
	:: n == SLOTS || whom > PRODUCERS -> break
	:: else ->
	   STEP(
		if
		:: HOLDS_ITEM(n) && LANE(item[n]) == whom - 1 && mark[whom - 1] < item[n] - LANE(item[n]) * ITEMS + 1 ->
			mark[whom - 1] = item[n] - LANE(item[n]) * ITEMS + 1
		:: else -> skip
		fi;
		n++)
	od;
	n = 0;
#endif
#ifndef MISTAKE_READY_NOT_RECOVERED
	hint_all();
#endif
	do
	:: n == SLOTS -> break
	:: else ->
	   if
	   :: atomic { owner[n] == whom && state[n] == WRITING ->
		if :: returns[n] -> state[n] = BURIED :: else -> state[n] = FREE fi;
		owner[n] = 0; returns[n] = 0 }
	   :: atomic { owner[n] == whom && state[n] == READING -> state[n] = READY; returns[n]++; g = TAG(n) };
	      hint(n, g, whom)
	   :: atomic { owner[n] == whom && state[n] == READY && !UNTOLD(n) -> owner[n] = 0 }
	   :: atomic { !(owner[n] == whom && (state[n] == WRITING || state[n] == READING ||
		(state[n] == READY && !UNTOLD(n)))) -> skip }
	   DIE
	   fi;
	   atomic { n++; g = 0 }
	od;
	n = 0;
#ifdef MISTAKE_SETTLED_LATE
	journal_settle();
#endif
#if DELAYS && !defined(MISTAKE_DUE_NOT_RECOVERED)
	STEP(next_due = 1);
#endif
#if BURIALS && !defined(MISTAKE_BURIED_NOT_RECOVERED)
	room_for_dead();
#endif
	STEP(life[whom] = RECOVERED; lock[whom] = 0; whom = 0)
}

inline sweep()
{
#if DELAYS
	promote();
#endif
	do
	:: n == SLOTS -> break
	:: else ->
	   if
	   :: atomic { UNTOLD(n) -> whom = owner[n] }; hint_all(); whom = 0
	   :: atomic { !UNTOLD(n) -> skip }
	   DIE
	   fi;
	   n++
	od;
	n = 0
}

#define LOCKABLE(who) :: atomic { life[who] == DEAD && lock[who] == 0 -> lock[who] = me; whom = who }; recover_member()
proctype Looker(byte me)
{
	byte whom, s, g, t, x, m, n, told;
	bool later;
look:
	if
	LOCKABLE(1)
	LOCKABLE(2)
#if MEMBERS > 2
	LOCKABLE(3)
#endif
#if MEMBERS > 3
	LOCKABLE(4)
#endif
#if MEMBERS > 4
	LOCKABLE(5)
#endif
#if MEMBERS > 5
	LOCKABLE(6)
#endif
	:: atomic { sweeps_asked > 0 -> sweeps_asked-- }; sweep()
	:: atomic { sweeps > 0 && !ALL_LEFT -> sweeps-- }; sweep()
	DIE
	fi;
	goto look;
dead:
	atomic {
		life[me] = DEAD;
		if :: whom && lock[whom] == me -> lock[whom] = 0 :: else -> skip fi;
		whom = 0; s = 0; g = 0; t = 0; x = 0; m = 0; n = 0; told = 0; later = 0
	};
	atomic { life[me] == RECOVERED -> life[me] = RUNS; goto look };
stopped:
	false
}

#define IN_STOPPED_HANDS(i) ((item[0] == i && life[owner[0]] == STOPPED && state[0] == READING) || \
	(item[1] == i && life[owner[1]] == STOPPED && state[1] == READING))

active proctype Judge()
{
	byte i;
	atomic {
		choose_misfortunes();
		give_backs = GIVE_BACKS; delays = DELAYS; burials = BURIALS; drops = DROPS; kicks = KICKS; sweeps = SWEEPS;
		i = 1;
		do
		:: i <= PRODUCERS -> run Producer(i); i++
		:: i > PRODUCERS && i < FIRST_LOOKER -> run Consumer(i); i++
		:: i >= FIRST_LOOKER && i <= MEMBERS -> run Looker(i); i++
		:: i > MEMBERS -> break
		od;
		i = 0
	};
	/* The launcher's sweeps, one now and one 250 ms later. */
#if STOPS
	atomic { timeout; sweeps_asked = 1 };
	atomic { timeout; sweeps_asked = 1 };
#else
	atomic { timeout; sweeps_asked = is_untold };
	atomic { timeout; sweeps_asked = is_untold };
#endif
	atomic {
		timeout;
		i = 1;
		do
		:: i < FIRST_LOOKER ->
#if STOPS
			assert(i > PRODUCERS || life[i] == LEFT || life[i] == STOPPED);
#else
			assert(life[i] == LEFT);
#endif
			assert(uncounted[i] == 0 || life[i] == STOPPED);
			i++
		:: else -> i = 0; break
		od;
		do
		:: i < PRODUCERS * ITEMS ->
			assert(is_accepted[i] || life[LANE(i) + 1] == STOPPED);
			assert(is_done[i] || !is_accepted[i] || IN_STOPPED_HANDS(i));
			i++
		:: else -> i = 0; break
		od;
		do
		:: i < SLOTS -> assert(state[i] == FREE || life[owner[i]] == STOPPED); i++
		:: else -> break
		od
	}
}
