#!/usr/bin/env bats
# --worker=nul and len32, and items of every byte value through each protocol.

load helpers
bats_require_minimum_version 1.5.0

setup() {
	common_setup
	answer=$(worker answer)
}
teardown() { common_teardown; }

line() { launcher -r "$ring" "$@"; }

# 256 items behind NUL bytes, each of all values but one; with -n, also without NUL and newline.
every_byte() {
	awk -v skip="$1" 'BEGIN {
		for (i = 0; i < 256; i++) {
			for (j = 1; j < 256; j++)
				if (j != i && !(skip != "" && j == 10))
					printf "%c", j
			printf "%c", 0
		}
	}' | LC_ALL=C cat
}

# length and bytes for each argument
len32() {
	local item
	for item; do
		# shellcheck disable=SC2059
		printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((${#item} & 255)) $((${#item} >> 8 & 255)) $((${#item} >> 16 & 255)) $((${#item} >> 24 & 255)))"
		printf %s "$item"
	done
}

@test "items of every byte value but NUL through nul" {
	LC_ALL=C every_byte >input
	line -0 -a input -c 2 --worker=nul --window 16 -- "$answer" -p nul >out
	cmp <(LC_ALL=C sort -z out) <(LC_ALL=C sort -z input)
}

@test "items of every byte value but newline through lines" {
	LC_ALL=C every_byte skip | tr '\0' '\n' >input
	line -a input -c 2 --worker=lines --window 16 -- "$answer" >out
	cmp <(LC_ALL=C sort out) <(LC_ALL=C sort input)
}

@test "items of every byte value through len32" {
	for i in {0..255}; do
		printf '\x03\0\0\0a%b%b' "\\x$(printf %02x "$i")" "\\x$(printf %02x $((255 - i)))"
	done >input
	line --source len32:input -c 1 --worker=len32 --window 16 -- "$answer" -p len32 >out
	cmp out input
}

@test "items of every byte value through exec, on standard input" {
	for i in {0..255}; do
		printf '\x02\0\0\0%b\n' "\\x$(printf %02x "$i")"
	done >input
	line --source len32:input -c 1 --stdin -- cat >out
	cmp out <(for i in {0..255}; do printf '%b\n' "\\x$(printf %02x "$i")"; done)
}

@test "items of every byte value but NUL through exec, as an argument" {
	LC_ALL=C every_byte >input
	line -0 -a input -c 1 -- printf '%s\0' >out
	cmp <(LC_ALL=C sort -z out) <(LC_ALL=C sort -z input)
}

@test "empty items, and answers of another length than their items" {
	len32 '' a '' bb >input
	# A worker that answers with what it got, twice.
	cat >worker.py <<-'END'
		import struct, sys
		inp, out = sys.stdin.buffer, sys.stdout.buffer
		while head := inp.read(4):
		    item = inp.read(struct.unpack("<I", head)[0])
		    out.write(struct.pack("<I", 2 * len(item)) + item * 2)
		    out.flush()
	END
	line --source len32:input -c 1 --worker=len32 -- python3 worker.py >out
	cmp out <(len32 '' aa '' bbbb)
}

@test "an item longer than --item-max is refused by its length, and nothing is left behind" {
	len32 "$(printf '%0300d' 1)" >input
	run -65 --separate-stderr line --source len32:input --item-max 256 -c 1 --worker=len32 -- "$answer" -p len32
	assert_regex "$stderr" 'has 300 bytes, more than the ring.s 256 \(--item-max\)'
	assert_output ''
	no_ring
}

@test "a worker of len32 that dies within an answer has answered nothing" {
	len32 a b >input
	run -123 --separate-stderr line --source len32:input -c 1 --worker=len32 --dead dead -- \
		sh -c 'head -c 5 >/dev/null; printf "\5\0\0\0ab"; exit 3'
	assert_output ''
	assert_equal "$(jq -c .exit dead | sort | uniq -c | tr -d ' ')" 23
}

@test "records of several consumers come whole, whatever bytes they hold and however long they are" {
	for i in {1..200}; do
		len32 "$(printf '\n%0*d\n' $((i * i * 3)) "$i")"
	done >input
	line --source len32:input -c 3 --item-max 200K --worker=len32 --window 4 -- "$answer" -p len32 >out
	python3 - <<-'END'
		import struct
		def records(name):
		    data, at, all = open(name, "rb").read(), 0, []
		    while at < len(data):
		        n = struct.unpack_from("<I", data, at)[0]
		        all.append(data[at + 4:at + 4 + n]); at += 4 + n
		    return sorted(all)
		assert records("input") == records("out")
	END
}

@test "an item that holds NUL is told by len32, not by nul" {
	printf '\x03\0\0\0a\0b\x01\0\0\0c' >input
	run -123 --separate-stderr line --source len32:input -c 1 --worker=nul --dead dead -- "$answer" -p nul
	assert_equal "$(jq -r .cause dead)" 'holds the byte that ends a record; use --worker=len32'
}
