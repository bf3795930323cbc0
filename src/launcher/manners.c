/* manners.c - see manners.h. */
#include "src/launcher/manners.h"

#include <bsd/stdlib.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "src/base/diag.h"
#include "src/base/exitcode.h"
#include "src/base/quantity.h"

static const struct {
	const char *name;
	int resource;
} resources[] = {
	{ .name = "as", .resource = RLIMIT_AS },
	{ .name = "core", .resource = RLIMIT_CORE },
	{ .name = "cpu", .resource = RLIMIT_CPU },
	{ .name = "data", .resource = RLIMIT_DATA },
	{ .name = "fsize", .resource = RLIMIT_FSIZE },
	{ .name = "memlock", .resource = RLIMIT_MEMLOCK },
	{ .name = "nofile", .resource = RLIMIT_NOFILE },
	{ .name = "nproc", .resource = RLIMIT_NPROC },
	{ .name = "stack", .resource = RLIMIT_STACK },
};
#define RESOURCES (sizeof(resources) / sizeof(resources[0]))

/* ---------------------------------------------------------------- limits */

static int parse_value(const char *text, rlim_t *out)
{
	uint64_t value;

	if (strcmp(text, "unlimited") == 0) {
		*out = RLIM_INFINITY;
		return 0;
	}
	if (quantity_size(text, 0, UINT64_MAX / 2, &value) < 0)
		return -1;
	*out = value;
	return 0;
}

/* One value stands for both. */
static int parse_values(char *text, struct rlimit *limit)
{
	char *colon = strchr(text, ':');

	if (colon)
		*colon = '\0';
	if (parse_value(text, &limit->rlim_cur) < 0 ||
	    parse_value(colon ? colon + 1 : text, &limit->rlim_max) < 0)
		return -1;
	return limit->rlim_cur <= limit->rlim_max ? 0 : -1;
}

static struct child_limit *place_of(struct limits *limits, int resource)
{
	for (size_t i = 0; i < limits->count; i++)
		if (limits->list[i].resource == resource)
			return &limits->list[i];
	return limits->count < LIMITS_MAX ? &limits->list[limits->count++] : NULL;
}

int limits_add(struct limits *limits, const char *text)
{
	char copy[64], *equals;
	struct rlimit limit;
	struct child_limit *place;

	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy) || !(equals = strchr(copy, '=')))
		return -1;
	*equals = '\0';
	for (size_t i = 0; i < RESOURCES; i++) {
		if (strcmp(copy, resources[i].name) != 0)
			continue;
		if (parse_values(equals + 1, &limit) < 0 ||
		    !(place = place_of(limits, resources[i].resource)))
			return -1;
		*place = (struct child_limit){ .resource = resources[i].resource, .limit = limit };
		return 0;
	}
	return -1;
}

int nice_parse(const char *text, int *out)
{
	const char *error;
	int value = (int)strtonum(text, -20, 19, &error);

	if (error || (text[0] != '-' && (text[0] < '0' || text[0] > '9')))
		return -1;
	*out = value;
	return 0;
}

/* ---------------------------------------------------------------- another user */

static int say_failure(const char *name, const char *why)
{
	char shown[64];

	diag_error("--user: cannot become \"%s\": %s", diag_quote(shown, sizeof(shown), name, strlen(name)),
		   why);
	return EXIT_NO_PERMISSION;
}

/* Groups first: afterwards nobody may. What was root's is no secret, so that /proc still serves us. */
static int change_to(const struct passwd *user)
{
	if (initgroups(user->pw_name, user->pw_gid) < 0 ||
	    setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
	    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
		return -1;
	if (setenv("HOME", user->pw_dir, 1) < 0 || setenv("USER", user->pw_name, 1) < 0 ||
	    setenv("LOGNAME", user->pw_name, 1) < 0)
		return -1;
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

int user_become(const char *name)
{
	const struct passwd *user;

	errno = 0;
	user = getpwnam(name);
	if (!user)
		return say_failure(name, errno ? strerror(errno) : "no such user");
	if (geteuid() != 0)
		return geteuid() == user->pw_uid ? 0 : say_failure(name, "only root can");
	return change_to(user) < 0 ? say_failure(name, strerror(errno)) : 0;
}
