/* listen_page.c - the page as bytes: it is put into the program as it stands in listen_page.html. */
#include "src/launcher/listen.h"

__asm__ (".section .rodata\n"
	 ".global listen_page\n"
	 ".global listen_page_size\n"
	 "listen_page:\n"
	 ".incbin \"src/launcher/listen_page.html\"\n"
	 "1:\n"
	 ".balign 8\n"
	 "listen_page_size:\n"
	 ".quad 1b - listen_page\n"
	 ".previous\n");
