/* test_segment.c - where everything is in a segment; making, opening, refusing, locking and removing. */
#include "shm/segment.h"
#include "tests/unit/shm_ring.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* ------------------------------------------------------------------ layout */

static const struct { uint32_t slots, item_max, members, cells; } sizes[] = {
	{ 2, 1, 1, 8 },
	{ 3, 16, 3, 8 },
	{ 4, 17, 4, 8 },
	{ 5, 80, 5, 16 },
	{ 1024, 4096, 64, 2048 },
	{ 1025, 1, 4095, 4096 },
	{ RING_SLOTS_MAX, RING_ITEM_MAX_MAX, RING_MEMBERS_MAX, 2 * RING_SLOTS_MAX },
};

static void parts_follow_each_other_without_touching(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct geometry at;

		const struct ring_options options = { .slots = sizes[i].slots, .item_max = sizes[i].item_max,
						      .members = sizes[i].members };

		segment_measure(&options, &at);
		assert_int_equal(at.cells, sizes[i].cells);
		assert_int_equal(1u << at.cell_shift, at.cells);
		assert_true(at.members_at >= sizeof(struct header));
		assert_true(at.lanes_at >= at.members_at + at.members * sizeof(struct member));
		assert_true(at.words_at >= at.lanes_at + at.members * sizeof(struct lane));
		assert_true(at.cells_at >= at.words_at + at.slots * UINT64_C(8));
		assert_true(at.slots_at >= at.cells_at + at.cells * UINT64_C(8));
		assert_true(at.stride >= sizeof(struct slot) + at.item_max);
		assert_true(at.times_at >= at.slots_at + at.slots * at.stride);
		assert_true(at.size >= at.times_at + sizeof(struct times));
		assert_true(at.size <= at.times_at + sizeof(struct times) + 4096);
		assert_int_equal((at.members_at | at.lanes_at | at.words_at | at.cells_at |
				  at.slots_at | at.times_at | at.stride) % LINE, 0);
		assert_int_equal(at.size % 4096, 0);
	}
}

static void a_fresh_segment_is_empty_and_says_what_it_is(void **state)
{
	static const uint64_t firsts[] = { 0, 1, 7, UINT64_MAX - 2 };
	struct geometry at;
	struct segment segment;
	unsigned char *base;

	(void)state;
	segment_measure(&(struct ring_options){ .slots = 3, .item_max = 8, .members = 2 }, &at);
	base = aligned_alloc(4096, at.size);
	assert_non_null(base);
	for (size_t i = 0; i < COUNT(firsts); i++) {
		memset(base, 0, at.size);
		assert_int_equal(segment_format(base, &at, firsts[i]), 0);
		segment_place(&segment, base, &at);
		assert_int_equal(segment.header->magic, LAYOUT_MAGIC);
		assert_int_equal(segment.header->size, at.size);
		assert_int_equal(segment.header->first, firsts[i]);
		assert_int_equal(segment.header->next_id, firsts[i] + 1);
		assert_int_equal(segment.header->head, firsts[i]);
		assert_int_equal(segment.header->tail, firsts[i]);
		assert_int_equal(segment.header->next_due, UINT64_MAX);
		assert_int_equal(segment.header->stop, 0);
		for (uint32_t slot = 0; slot < at.slots; slot++)
			assert_int_equal(segment.words[slot], firsts[i] << 28);
		/* Each cell is a lap behind the first position that it will have. */
		for (uint64_t n = 0; n < at.cells; n++)
			assert_int_equal(segment.cells[(firsts[i] + n) % at.cells] >> 42,
					 ((firsts[i] + n) / at.cells - 1) & 0x3fffff);
	}
	free(base);
}

/* ------------------------------------------------------------------ names */

static void names_are_checked(void **state)
{
	char name[RING_NAME_MAX + 2];

	(void)state;
	assert_true(ring_name_is_valid("a"));
	assert_true(ring_name_is_valid("Az09._-"));
	assert_true(ring_name_is_valid("_x"));
	assert_false(ring_name_is_valid(""));
	assert_false(ring_name_is_valid(".x"));
	assert_false(ring_name_is_valid(".."));
	assert_false(ring_name_is_valid("-x"));
	assert_false(ring_name_is_valid("a/b"));
	assert_false(ring_name_is_valid("a b"));
	assert_false(ring_name_is_valid("a\n"));
	assert_false(ring_name_is_valid("\xc3\xa4"));
	memset(name, 'x', sizeof(name));
	name[RING_NAME_MAX] = '\0';
	assert_true(ring_name_is_valid(name));
	name[RING_NAME_MAX] = 'x';
	name[RING_NAME_MAX + 1] = '\0';
	assert_false(ring_name_is_valid(name));
}

static void the_longest_name_can_be_used(void **state)
{
	char name[RING_NAME_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	(void)snprintf(name, sizeof(name), "%s", ring_called);
	name[strlen(name)] = '-';
	name[RING_NAME_MAX] = '\0';
	assert_int_equal(segment_create(name, NULL), 0);
	assert_int_equal(segment_unlink(name), 0);
}

static void files_that_are_no_rings_are_told_from_rings(void **state)
{
	(void)state;
	assert_string_equal(segment_ring_name("shmline.a"), "a");
	assert_null(segment_ring_name("shmline."));
	assert_null(segment_ring_name("shmline..a"));
	assert_null(segment_ring_name("shmline"));
	assert_null(segment_ring_name("sem.x"));
	assert_null(segment_ring_name(".shmline.a"));
}

/* ------------------------------------------------------------------ making */

static struct stat file_state(void)
{
	struct stat st;

	assert_int_equal(stat(ring_file, &st), 0);
	return st;
}

static void a_ring_is_made_for_its_user_alone_with_all_its_memory(void **state)
{
	const struct ring_options options = { .slots = 7, .item_max = 100, .members = 3 };
	struct geometry at;
	struct stat st;

	(void)state;
	segment_measure(&(struct ring_options){ .slots = 7, .item_max = 100, .members = 3 }, &at);
	assert_int_equal(segment_create(ring_called, &options), 0);
	st = file_state();
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_size, at.size);
	assert_true((size_t)st.st_blocks * 512 >= at.size);
}

static void options_of_zero_are_the_defaults(void **state)
{
	struct geometry at;

	(void)state;
	segment_measure(&(struct ring_options){ .slots = 1024, .item_max = 4096, .members = 64 }, &at);
	assert_int_equal(segment_create(ring_called, &(struct ring_options){ 0 }), 0);
	assert_int_equal(file_state().st_size, at.size);
	assert_int_equal(segment_unlink(ring_called), 0);
	assert_int_equal(segment_create(ring_called, NULL), 0);
	assert_int_equal(file_state().st_size, at.size);
}

static void options_out_of_bounds_are_refused(void **state)
{
	static const struct ring_options bad[] = {
		{ .slots = 1 },
		{ .slots = RING_SLOTS_MAX + 1 },
		{ .slots = UINT32_MAX },
		{ .item_max = RING_ITEM_MAX_MAX + 1 },
		{ .item_max = UINT32_MAX },
		{ .members = RING_MEMBERS_MAX + 1 },
		{ .members = UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(segment_create(ring_called, &bad[i]), -1);
		assert_int_equal(errno, EINVAL);
		assert_non_null(strstr(ring_why(), "expected"));
	}
	assert_int_equal(segment_create("no/name", NULL), -1);
	assert_int_equal(errno, EINVAL);
	assert_false(shm_exists());
}

static void a_ring_that_exists_is_not_made_again(void **state)
{
	struct stat before;

	(void)state;
	assert_int_equal(segment_create(ring_called, NULL), 0);
	before = file_state();
	assert_int_equal(segment_create(ring_called, NULL), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(file_state().st_ino, before.st_ino);
}

static void a_name_that_leads_nowhere_is_taken_too(void **state)
{
	(void)state;
	assert_int_equal(symlink("/nonexistent", ring_file), 0);
	assert_int_equal(segment_create(ring_called, NULL), -1);
	assert_int_equal(errno, EEXIST);
}

static unsigned long files_in_folder(void)
{
	struct stat st;

	assert_int_equal(stat(SEGMENT_FOLDER, &st), 0);
	return (unsigned long)st.st_size;
}

static int create_beyond_limit(void *context)
{
	const struct rlimit limit = { .rlim_cur = 100000, .rlim_max = 100000 };

	(void)context;
	/* The kernel kills with this signal who does not ignore it. */
	if (signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit))
		return 1;
	if (segment_create(ring_called, NULL) == 0 || errno != EFBIG)
		return 2;
	return strstr(ring_why(), "bytes of shared memory are needed") ? 0 : 3;
}

static void a_ring_that_finds_no_room_leaves_nothing(void **state)
{
	unsigned long before = files_in_folder();

	(void)state;
	assert_int_equal(child_end(child_start(create_beyond_limit, NULL)), 0);
	assert_false(shm_exists());
	assert_true(files_in_folder() <= before);
}

static int create_without_descriptors(void *context)
{
	struct rlimit limit = { .rlim_cur = 3, .rlim_max = 3 };

	(void)context;
	if (segment_create(ring_called, NULL) || setrlimit(RLIMIT_NOFILE, &limit))
		return 1;
	if (segment_open(ring_called, true) || errno != EMFILE)
		return 2;
	if (segment_unlink(ring_called))
		return 3;
	return segment_create(ring_called, NULL) == 0 || errno != EMFILE ? 4 : 0;
}

static void without_descriptors_nothing_is_made_or_opened(void **state)
{
	(void)state;
	assert_int_equal(child_end(child_start(create_without_descriptors, NULL)), 0);
	assert_false(shm_exists());
}

/* ------------------------------------------------------------------ opening */

static unsigned descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 100; fd++)
		n += fcntl(fd, F_GETFD) != -1;
	return n;
}

static void an_open_segment_keeps_one_descriptor_that_opens_nothing(void **state)
{
	struct segment *segment;
	unsigned before = descriptors();

	(void)state;
	assert_int_equal(segment_create(ring_called, NULL), 0);
	assert_int_equal(descriptors(), before);
	segment = segment_open(ring_called, true);
	assert_non_null(segment);
	assert_int_equal(descriptors(), before + 1);
	assert_int_equal(fcntl(segment->path_fd, F_GETFD), FD_CLOEXEC);
	assert_true(fcntl(segment->path_fd, F_GETFL) & O_PATH);
	segment_release(segment);
	assert_int_equal(descriptors(), before);
}

/* Is the ring among what this process has mapped? */
static int has_mapped(void *name)
{
	char line[512];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "r");

	if (!maps)
		return -1;
	while (fgets(line, sizeof(line), maps))
		found |= strstr(line, name) != NULL;
	(void)fclose(maps);
	return found;
}

static void a_child_does_not_inherit_the_mapping(void **state)
{
	struct segment *segment;

	(void)state;
	assert_int_equal(segment_create(ring_called, NULL), 0);
	segment = segment_open(ring_called, true);
	assert_non_null(segment);
	assert_int_equal(has_mapped(ring_called), 1);
	assert_int_equal(child_end(child_start(has_mapped, ring_called)), 0);
	segment_release(segment);
}

static void what_is_not_there_is_told(void **state)
{
	(void)state;
	assert_null(segment_open(ring_called, true));
	assert_int_equal(errno, ENOENT);
	assert_null(segment_open("no/name", true));
	assert_int_equal(errno, EINVAL);
}

#define MOVES 2000

/* Make others beside it and move them over it, so that the name is never gone. */
static int replace_often(void *context)
{
	static const struct ring_options small = { .slots = 2, .item_max = 1, .members = 1 };
	const char *name = context;
	char beside[RING_NAME_MAX + 1], from[PATH_MAX], to[PATH_MAX];

	(void)snprintf(beside, sizeof(beside), "%s-new", name);
	(void)snprintf(from, sizeof(from), "/dev/shm/shmline.%s", beside);
	(void)snprintf(to, sizeof(to), "/dev/shm/shmline.%s", name);
	for (int i = 0; i < MOVES; i++)
		if (segment_create(beside, &small) || rename(from, to))
			return 1;
	return 0;
}

static void one_that_another_is_moved_over_is_never_missed(void **state)
{
	pid_t mover;
	int status = 0;

	(void)state;
	assert_int_equal(segment_create(ring_called, NULL), 0);
	mover = child_start(replace_often, ring_called);
	while (waitpid(mover, &status, WNOHANG) == 0) {
		struct segment *segment = segment_open(ring_called, false);

		if (!segment)
			print_error("%s\n", strerror(errno));
		assert_non_null(segment);
		segment_release(segment);
	}
	assert_int_equal(status, 0);
	assert_int_equal(segment_unlink(ring_called), 0);
}

static void assert_refused(int error)
{
	for (int writable = 0; writable <= 1; writable++) {
		unsigned before = descriptors();

		why_clear();
		assert_null(segment_open(ring_called, writable));
		assert_int_equal(errno, error);
		assert_string_not_equal(ring_why(), "");
		assert_int_equal(descriptors(), before);
	}
}

/* Write over the header's field what a damaged or foreign one would have. */
#define BAD_FIELD(field_, value_, errno_) \
	{ .offset = offsetof(struct header, field_), .len = sizeof(((struct header *)0)->field_), \
	  .value = (value_), .error = (errno_) }

static const struct { size_t offset, len; uint64_t value; int error; } bad_fields[] = {
	BAD_FIELD(magic, 0, EPROTO),
	BAD_FIELD(magic, LAYOUT_MAGIC + 1, EPROTO),
	BAD_FIELD(version, LAYOUT_VERSION + 1, EPROTO),
	BAD_FIELD(version, 0, EPROTO),
	BAD_FIELD(abi, LAYOUT_ABI ^ 1, EPROTO),
	BAD_FIELD(slots, 0, EBADMSG),
	BAD_FIELD(slots, 1, EBADMSG),
	BAD_FIELD(slots, 65, EBADMSG),
	BAD_FIELD(slots, RING_SLOTS_MAX + 1, EBADMSG),
	BAD_FIELD(slots, UINT32_MAX, EBADMSG),
	BAD_FIELD(item_max, 0, EBADMSG),
	BAD_FIELD(item_max, 8000, EBADMSG),
	BAD_FIELD(item_max, RING_ITEM_MAX_MAX + 1, EBADMSG),
	BAD_FIELD(item_max, UINT32_MAX, EBADMSG),
	BAD_FIELD(members, 0, EBADMSG),
	BAD_FIELD(members, 65, EBADMSG),
	BAD_FIELD(members, RING_MEMBERS_MAX + 1, EBADMSG),
	BAD_FIELD(members, UINT32_MAX, EBADMSG),
	BAD_FIELD(size, 0, EBADMSG),
	BAD_FIELD(size, 4096, EBADMSG),
	BAD_FIELD(size, UINT64_MAX, EBADMSG),
};

static const struct ring_options small = { .slots = 8, .item_max = 16, .members = 4 };

static int open_file(void)
{
	int fd = open(ring_file, O_RDWR);

	assert_true(fd >= 0);
	return fd;
}

static void a_header_that_is_wrong_anywhere_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_fields); i++) {
		int fd;

		assert_int_equal(segment_create(ring_called, &small), 0);
		fd = open_file();
		assert_int_equal(pwrite(fd, &bad_fields[i].value, bad_fields[i].len,
					(off_t)bad_fields[i].offset), bad_fields[i].len);
		close(fd);
		assert_refused(bad_fields[i].error);
		assert_int_equal(segment_unlink(ring_called), 0);
	}
}

static void a_file_of_another_length_is_refused(void **state)
{
	struct geometry at;
	int fd;

	(void)state;
	segment_measure(&small, &at);
	const struct { size_t size; int error; } lengths[] = {
		{ at.size + 4096, EBADMSG }, { at.size + 1, EBADMSG }, { at.size - 1, EBADMSG },
		{ 4096, EBADMSG }, { sizeof(struct header) - 1, EPROTO }, { 1, EPROTO }, { 0, EPROTO },
	};

	assert_int_equal(segment_create(ring_called, &small), 0);
	fd = open_file();
	for (size_t i = 0; i < COUNT(lengths); i++) {
		assert_int_equal(ftruncate(fd, (off_t)lengths[i].size), 0);
		assert_refused(lengths[i].error);
	}
	close(fd);
}

static void a_file_of_zeros_is_called_half_made(void **state)
{
	int fd = open(ring_file, O_RDWR | O_CREAT | O_EXCL, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 65536), 0);
	close(fd);
	assert_refused(EPROTO);
	assert_non_null(strstr(ring_why(), "half made"));
}

static void make_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", ring_file);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
}

/* Opening a FIFO to read it waited for somebody to write. */
static void what_is_no_plain_file_is_refused_at_once(void **state)
{
	(void)state;
	alarm(10);
	assert_int_equal(mkfifo(ring_file, 0600), 0);
	assert_refused(EPERM);
	assert_int_equal(unlink(ring_file), 0);
	assert_int_equal(mkdir(ring_file, 0700), 0);
	assert_refused(EPERM);
	assert_int_equal(rmdir(ring_file), 0);
	assert_int_equal(symlink("/dev/null", ring_file), 0);
	assert_refused(EPERM);
	assert_int_equal(unlink(ring_file), 0);
	make_socket();
	assert_refused(EPERM);
	alarm(0);
}

static void what_belongs_to_another_user_is_refused(void **state)
{
	(void)state;
	assert_int_equal(segment_create(ring_called, &small), 0);
	if (chown(ring_file, 65534, (gid_t)-1))
		skip();		/* only root can give files away */
	assert_refused(EPERM);
	assert_int_equal(segment_is_ours(ring_called), -1);
	assert_int_equal(errno, EPERM);
}

static void a_link_to_a_good_ring_is_refused(void **state)
{
	char target[sizeof(ring_file)], name[sizeof(ring_called)];

	(void)state;
	assert_int_equal(segment_create(ring_called, &small), 0);
	memcpy(target, ring_file, sizeof(target));
	memcpy(name, ring_called, sizeof(name));
	shm_name(NULL);
	assert_int_equal(symlink(target, ring_file), 0);
	assert_refused(EPERM);
	assert_int_equal(segment_unlink(name), 0);
}

/* ------------------------------------------------------------------ locks and names */

static void a_byte_is_locked_by_one_description_at_a_time(void **state)
{
	struct segment *segment;
	int one, other;

	(void)state;
	assert_int_equal(segment_create(ring_called, &small), 0);
	segment = segment_open(ring_called, true);
	assert_non_null(segment);
	one = segment_reopen(segment);
	other = segment_reopen(segment);
	assert_true(one >= 0 && other >= 0);
	for (uint32_t i = 1; i <= small.members; i++) {
		off_t byte = segment_member_byte(segment, i);

		assert_int_equal(segment_lock(one, byte), 0);
		assert_int_equal(segment_lock(one, byte), 0);
		assert_int_equal(segment_lock(other, byte), -1);
		assert_int_equal(errno, EAGAIN);
		assert_true(segment_is_locked(other, byte));
		assert_false(segment_is_locked(one, byte));
	}
	segment_unlock(one, segment_member_byte(segment, 1));
	assert_int_equal(segment_lock(other, segment_member_byte(segment, 1)), 0);
	assert_int_equal(segment_lock(other, segment_member_byte(segment, 2)), -1);
	close(one);
	assert_int_equal(segment_lock(other, segment_member_byte(segment, 2)), 0);
	close(other);
	segment_release(segment);
}

static void a_segment_is_known_by_more_than_its_name(void **state)
{
	struct segment *segment;
	int fd;

	(void)state;
	assert_int_equal(segment_create(ring_called, &small), 0);
	segment = segment_open(ring_called, false);
	assert_non_null(segment);
	assert_true(segment_has_name(segment));
	assert_int_equal(segment_unlink(ring_called), 0);
	assert_false(segment_has_name(segment));
	assert_int_equal(segment_create(ring_called, &small), 0);
	assert_false(segment_has_name(segment));
	fd = segment_reopen(segment);	/* leads to the old one still */
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &(uint64_t){ 0 }, 8, 0), 8);
	close(fd);
	assert_int_equal(segment_unlink(ring_called), 0);
	alarm(10);
	assert_int_equal(mkfifo(ring_file, 0600), 0);
	assert_false(segment_has_name(segment));
	alarm(0);
	segment_release(segment);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shm_name, shm_forget)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_follow_each_other_without_touching),
		cmocka_unit_test(a_fresh_segment_is_empty_and_says_what_it_is),
		cmocka_unit_test(names_are_checked),
		TEST(the_longest_name_can_be_used),
		cmocka_unit_test(files_that_are_no_rings_are_told_from_rings),
		TEST(a_ring_is_made_for_its_user_alone_with_all_its_memory),
		TEST(options_of_zero_are_the_defaults),
		TEST(options_out_of_bounds_are_refused),
		TEST(a_ring_that_exists_is_not_made_again),
		TEST(a_name_that_leads_nowhere_is_taken_too),
		TEST(a_ring_that_finds_no_room_leaves_nothing),
		TEST(without_descriptors_nothing_is_made_or_opened),
		TEST(an_open_segment_keeps_one_descriptor_that_opens_nothing),
		TEST(a_child_does_not_inherit_the_mapping),
		TEST(what_is_not_there_is_told),
		TEST(one_that_another_is_moved_over_is_never_missed),
		TEST(a_header_that_is_wrong_anywhere_is_refused),
		TEST(a_file_of_another_length_is_refused),
		TEST(a_file_of_zeros_is_called_half_made),
		TEST(what_is_no_plain_file_is_refused_at_once),
		TEST(what_belongs_to_another_user_is_refused),
		TEST(a_link_to_a_good_ring_is_refused),
		TEST(a_byte_is_locked_by_one_description_at_a_time),
		TEST(a_segment_is_known_by_more_than_its_name),
	};

	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
