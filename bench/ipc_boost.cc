/*
 * ipc_boost.cc - Boost.Interprocess message_queue: a priority queue in shared memory under a mutex and
 * condition variables. Without a C++ compiler this is compiled as C, and says what is missing.
 */
#include "bench/ipc.h"

#if defined(__cplusplus) && __has_include(<boost/interprocess/ipc/message_queue.hpp>)
#include <boost/interprocess/ipc/message_queue.hpp>

using boost::interprocess::message_queue;

namespace {

void make(struct channel *channel)
{
	message_queue(boost::interprocess::create_only, channel->name, channel->slots, channel->len);
}

void join(struct end *end)
{
	end->own = new message_queue(boost::interprocess::open_only, end->channel->name);
	(void)buffer_of(end);
}

void end_put(struct end *end)
{
	static_cast<message_queue *>(end->own)->send(end->buffer, end->channel->len, 0);
}

const void *begin_get(struct end *end)
{
	message_queue::size_type len;
	unsigned priority;

	static_cast<message_queue *>(end->own)->receive(end->buffer, end->channel->len, len, priority);
	return end->buffer;
}

void end_get(struct end *)
{
}

void unmake(struct channel *channel)
{
	(void)message_queue::remove(channel->name);
}

transport boost_transport()
{
	transport boost = {};

	boost.name = "Boost.Interprocess queue";
	boost.note = "a killed owner leaves it locked";
	boost.make = make;
	boost.join = join;
	boost.begin_put = buffer_of;
	boost.end_put = end_put;
	boost.begin_get = begin_get;
	boost.end_get = end_get;
	boost.unmake = unmake;
	return boost;
}

}

extern "C" const struct transport transport_boost = boost_transport();
#else
#ifdef __cplusplus
extern "C"
#endif
const struct transport transport_boost = { .name = "Boost.Interprocess queue",
	.absent = "built without libboost-dev or a C++ compiler" };
#endif
