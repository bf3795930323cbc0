/* settings_file.h - what the keys of a configuration file mean. */
#ifndef SHMLINE_LAUNCHER_SETTINGS_FILE_H
#define SHMLINE_LAUNCHER_SETTINGS_FILE_H

#include "src/launcher/config.h"
#include "src/launcher/settings.h"

/* Both say what is wrong, with file and line, and end the program with 64. */

/* What stands in [launcher]. */
void settings_file_line(struct settings *settings, const struct config *config);

/* The sections of workers, each with the settings of the line where it says nothing else. Counts them
   into the settings' producers and consumers. */
void settings_file_sections(struct settings *settings, const struct config *config);

#endif
