/* ipc_server.h - servers that a run starts for itself and ends again, and connections to them. */
#ifndef SHMLINE_BENCH_IPC_SERVER_H
#define SHMLINE_BENCH_IPC_SERVER_H

#include "bench/ipc.h"

/* One connection: what is said gathers in it until an answer is waited for. */
struct talk;

/* channel->folder, new and empty. */
void server_folder(struct channel *channel);

/* Starts transport->program with these arguments (its own name first, NULL last); its output goes to
   channel->folder. */
void server_start(struct channel *channel, const char *const *arguments);

/* Ends it by its pid and removes the folder. */
void server_end(struct channel *channel);

/* To channel->folder/name, or a port of 127.0.0.1. Waits until there is a server. */
struct talk *talk_unix(const struct channel *channel, const char *name);
struct talk *talk_port(int port);

void talk_say(struct talk *talk, const void *bytes, size_t n);
__attribute__((format(printf, 2, 3)))
void talk_print(struct talk *talk, const char *format, ...);
void talk_flush(struct talk *talk);

/* The next line without its CR LF, or the next n bytes: until the next call. */
char *talk_line(struct talk *talk);
void *talk_bytes(struct talk *talk, size_t n);

/* The next line begins with these words. */
void talk_expect(struct talk *talk, const char *words);

void talk_end(struct talk *talk);

#endif
