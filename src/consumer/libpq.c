/* libpq.c - see libpq.h. */
#ifdef WITH_POSTGRES

#include "src/consumer/libpq.h"

#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "src/base/diag.h"

#define LIBRARY "libpq.so.5"	/* its fifth ABI, since 2006 */

struct libpq libpq;

/* In the order of the struct's members. */
static const char *const names[] = {
#define LIBPQ_NAME(name) #name,
	LIBPQ_CALLS(LIBPQ_NAME)
#undef LIBPQ_NAME
};

_Static_assert(sizeof(struct libpq) == sizeof(names), "a pointer for each name");

int libpq_load(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW);

	for (size_t i = 0; library && i < sizeof(names) / sizeof(names[0]); i++) {
		void *call = dlsym(library, names[i]);

		if (!call)
			library = NULL;
		memcpy((char *)&libpq + i * sizeof(call), &call, sizeof(call));
	}
	if (library)
		return 0;
	diag_error("--sink postgres: cannot load libpq: %s", dlerror());
	return -1;
}

#endif
