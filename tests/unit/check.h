/* check.h - cmocka with the headers that it wants in front of it. */
#ifndef SHMLINE_CHECK_H
#define SHMLINE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
