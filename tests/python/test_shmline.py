"""What python/shmline.py promises, on real rings. RING is a name for this run; tests/python.bats runs it."""

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import unittest

import shmline

HERE = os.path.dirname(os.path.abspath(__file__))


class RingTest(unittest.TestCase):
    def setUp(self):
        self.name = f"{os.environ['RING']}-{self.id().rsplit('.', 1)[1]}"
        self.producer = shmline.Ring(self.name, shmline.PRODUCER, create=True, slots=8, item_max=64)
        self.consumer = shmline.Ring(self.name, shmline.CONSUMER)

    def tearDown(self):
        self.producer.close()
        self.consumer.close()
        if self.name in shmline.names():
            shmline.unlink(self.name, force=True)

    def test_an_item_that_is_put_is_taken_and_acked(self):
        put = self.producer.put(b"one\0two", mark=7)
        item = self.consumer.take(timeout=0)
        self.assertEqual((item.id, item.data, item.mark, item.deliveries), (put, b"one\0two", 7, 1))
        item.ack()
        books = self.consumer.books
        self.assertEqual((books.published, books.acked, books.left), (1, 1, 0))

    def test_a_for_loop_ends_when_the_ring_is_drained(self):
        for n in range(5):
            self.producer.put(b"%d" % n)
        self.producer.close()
        seen = []
        for item in self.consumer:
            with item:
                seen.append(int(item.data))
        self.assertEqual(seen, [0, 1, 2, 3, 4])
        self.assertEqual(self.consumer.books.acked, 5)
        with self.assertRaises(shmline.Drained):
            self.consumer.take()

    def test_an_exception_gives_the_item_back_as_failed(self):
        self.producer.put(b"x")
        with self.assertRaises(ZeroDivisionError):
            with self.consumer.take(timeout=0):
                1 / 0
        again = self.consumer.take(timeout=0)
        self.assertEqual((again.deliveries, again.failures), (2, 1))
        again.ack()

    def test_whoever_ends_the_item_inside_the_block_has_the_last_word(self):
        self.producer.put(b"x")
        with self.consumer.take(timeout=0) as item:
            item.dead(reason=3)
        self.assertEqual((self.consumer.books.dead, self.consumer.books.acked), (1, 0))

    def test_an_item_can_be_ended_only_once(self):
        self.producer.put(b"x")
        item = self.consumer.take(timeout=0)
        item.ack()
        with self.assertRaises(shmline.NotHeld):
            item.give_back()

    def test_what_is_given_back_with_a_delay_comes_then(self):
        self.producer.put(b"x")
        self.consumer.take(timeout=0).give_back(delay=0.2)
        with self.assertRaises(shmline.Timeout):
            self.consumer.take(timeout=0)
        self.consumer.take(timeout=10).ack()

    def test_a_full_ring_makes_put_wait_and_time_out(self):
        for _ in range(8):
            self.producer.put(b"x")
        with self.assertRaises(shmline.Timeout):
            self.producer.put(b"y", timeout=0.05)
        self.assertEqual(self.producer.books.published, 8)

    def test_an_item_that_is_too_long_is_refused_and_costs_no_slot(self):
        for _ in range(20):
            with self.assertRaisesRegex(shmline.RingError, "65 bytes, the ring takes 64"):
                self.producer.put(b"x" * 65, timeout=0)
        for _ in range(8):
            self.producer.put(b"x" * 64, timeout=0)

    def test_the_stop_flag_shuts_producers_out(self):
        self.producer.put(b"x")
        self.consumer.stop(shmline.StopMode.STRICT)
        with self.assertRaises(shmline.Closed):
            self.producer.put(b"y")
        self.assertEqual(self.producer.stopped, shmline.StopMode.STRICT)
        self.producer.close()
        self.assertEqual(len([item.ack() for item in self.consumer]), 1)

    def test_a_killed_consumers_item_is_delivered_again(self):
        self.producer.put(b"x")
        # `ring` keeps it: one that nobody names is collected, and closed.
        code = ("import shmline, sys, time\n"
                "ring = shmline.Ring(sys.argv[1], shmline.CONSUMER)\n"
                "item = ring.take()\n"
                "print(item.id, flush=True)\ntime.sleep(60)\n")
        with subprocess.Popen([sys.executable, "-c", code, self.name],
                              stdout=subprocess.PIPE) as child:
            self.assertTrue(child.stdout.readline())
            child.kill()
        item = self.consumer.take(timeout=30)
        self.assertEqual((item.data, item.deliveries), (b"x", 2))
        item.ack()

    def test_a_signal_handler_runs_while_take_waits(self):
        class Rang(Exception):
            pass

        def ring_bell(*_):
            raise Rang

        before = signal.signal(signal.SIGALRM, ring_bell)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with self.assertRaises(Rang):
            self.consumer.take()

    def test_another_thread_has_a_member_of_its_own(self):
        taken = []

        def work(ring):
            with ring:
                for item in ring:
                    with item:
                        taken.append(item.data)

        threads = [threading.Thread(target=work, args=(self.consumer.share(shmline.CONSUMER),))
                   for _ in range(3)]
        for thread in threads:
            thread.start()
        for n in range(200):
            self.producer.put(b"%d" % n)
        self.producer.close()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(map(int, taken)), list(range(200)))

    def test_a_restarted_producer_finds_its_mark(self):
        with shmline.Ring(self.name, shmline.PRODUCER, number=3) as first:
            first.put(b"x", mark=41)
        with shmline.Ring(self.name, shmline.PRODUCER, number=3) as second:
            self.assertEqual(second.mark, 41)

    def test_the_last_one_out_removes_the_ring(self):
        self.producer.close()
        self.assertIn(self.name, shmline.names())
        self.assertTrue(self.consumer.close_last())
        self.assertNotIn(self.name, shmline.names())

    def test_a_closed_ring_says_so(self):
        self.consumer.close()
        self.consumer.close()
        with self.assertRaisesRegex(ValueError, "closed"):
            self.consumer.take()


class WithoutRing(unittest.TestCase):
    def test_a_ring_that_is_not_there_is_named(self):
        with self.assertRaisesRegex(shmline.RingError, f'"{os.environ["RING"]}-none"') as caught:
            shmline.Ring(os.environ["RING"] + "-none", shmline.CONSUMER)
        self.assertIsInstance(caught.exception, OSError)
        self.assertEqual(caught.exception.errno, 2)

    def test_a_bad_name_is_refused(self):
        with self.assertRaises(shmline.RingError):
            shmline.Ring("../jobs", shmline.CONSUMER, create=True)
        with self.assertRaises(shmline.RingError):
            shmline.unlink("../jobs")

    def test_the_structures_are_those_of_ring_h(self):
        """Against tests/abi/layout, which another test holds against the compiler."""
        with open(os.path.join(HERE, "..", "abi", "layout"), encoding="ascii") as file:
            text = file.read()
        for name, structure in (("ring_item", shmline._Item), ("ring_options", shmline._Options),
                                ("ring_books", shmline._Books)):
            part = re.search(rf"^struct {name}: (\d+) bytes\n((?:    .*\n)*)", text, re.M)
            self.assertEqual(ctypes.sizeof(structure), int(part[1]), name)
            for field, at, size in re.findall(r"(\w+): at (\d+), (\d+)", part[2]):
                member = getattr(structure, field)
                self.assertEqual((member.offset, member.size), (int(at), int(size)), f"{name}.{field}")


if __name__ == "__main__":
    unittest.main()
