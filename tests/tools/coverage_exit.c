/*
 * coverage_exit.c - for `make coverage` alone: a program that leaves by _exit() writes what it counted. It is
 * linked with --wrap=_exit, so that the programs know nothing of it. A vfork()ed child counts in its parent's
 * memory, hence the reset.
 */
void __gcov_dump(void);
void __gcov_reset(void);
_Noreturn void __real__exit(int code);
_Noreturn void __wrap__exit(int code);

_Noreturn void __wrap__exit(int code)
{
	__gcov_dump();
	__gcov_reset();
	__real__exit(code);
}
