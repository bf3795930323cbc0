/*
 * failpoint.h - private: mistakes that can be built in, to see that the tests catch them. MISTAKE(name)
 * is 0, and 1 in a build with -DSHMLINE_MISTAKE_name=1 (tests/stress/mistakes). Never in what is installed.
 */
#ifndef SHMLINE_FAILPOINT_H
#define SHMLINE_FAILPOINT_H

#define MISTAKE(name) FAILPOINT_IS(SHMLINE_MISTAKE_##name)

/* 1 if the macro is defined as 1, else 0, also to the compiler: a defined one leaves a comma behind. */
#define FAILPOINT_IS(macro) FAILPOINT_IS_(macro)
#define FAILPOINT_IS_(value) FAILPOINT_SECOND(FAILPOINT_COMMA_##value)
#define FAILPOINT_COMMA_1 0,
#define FAILPOINT_SECOND(nothing_or_comma) FAILPOINT_PICK(nothing_or_comma 1, 0, 0)
#define FAILPOINT_PICK(ignored, picked, ...) (picked)

#endif
