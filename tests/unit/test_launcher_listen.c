/* test_launcher_listen.c - which addresses --listen takes. */
#include "src/launcher/listen.h"
#include "tests/unit/check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static void assert_v4(const char *text, const char *host, unsigned port)
{
	struct listen_address address;
	const struct sockaddr_in *in = (const void *)&address.socket;
	char shown[INET_ADDRSTRLEN];

	assert_int_equal(listen_parse(text, &address), 0);
	assert_int_equal(in->sin_family, AF_INET);
	assert_string_equal(inet_ntop(AF_INET, &in->sin_addr, shown, sizeof(shown)), host);
	assert_int_equal(ntohs(in->sin_port), port);
}

static void without_a_host_it_is_loopback(void **state)
{
	(void)state;
	assert_v4("9100", "127.0.0.1", 9100);
	assert_v4(":9100", "127.0.0.1", 9100);
	assert_v4("localhost:0", "127.0.0.1", 0);
}

static void a_host_is_taken_in_full(void **state)
{
	struct listen_address address;
	const struct sockaddr_in6 *in = (const void *)&address.socket;

	(void)state;
	assert_v4("0.0.0.0:65535", "0.0.0.0", 65535);
	assert_int_equal(listen_parse("[::1]:80", &address), 0);
	assert_int_equal(in->sin6_family, AF_INET6);
	assert_true(IN6_IS_ADDR_LOOPBACK(&in->sin6_addr));
}

static void a_unix_socket_is_a_path(void **state)
{
	struct listen_address address;

	(void)state;
	assert_int_equal(listen_parse("unix:/run/x", &address), 0);
	assert_string_equal(address.path, "/run/x");
}

static void all_else_is_refused(void **state)
{
	static const char *const bad[] = {
		"", ":", "x", "65536", "-1", "9100x", " 9100", "host:80", "1.2.3:80", "1.2.3.4:", "1.2.3.4",
		"[::1]", "[::1:80", "::1:80", "[]:80", "[127.0.0.1]:80", "unix:", "http://127.0.0.1:80",
		"1.2.3.4.5.6.7.8.9.10.11.12.13.14.15.16.17.18.19.20:80",
	};
	char longest[200] = "unix:";
	struct listen_address address;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(listen_parse(bad[i], &address), -1);
	memset(longest + 5, 'x', 150);
	assert_int_equal(listen_parse(longest, &address), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_host_it_is_loopback),
		cmocka_unit_test(a_host_is_taken_in_full),
		cmocka_unit_test(a_unix_socket_is_a_path),
		cmocka_unit_test(all_else_is_refused),
	};

	return cmocka_run_group_tests_name("launcher listen", tests, NULL, NULL);
}
