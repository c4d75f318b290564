/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A unit directory in a configuration ROM, understood: IEEE 1212 and
 * SBP-2 clause 7. The ROM is bad input; nothing in it is believed unchecked.
 */
#ifndef SBP2X_ROM_H
#define SBP2X_ROM_H

#include <linux/types.h>

#define SBP2X_MAX_LOGICAL_UNITS	64

/* Absent firmware_revision or model_id: no 24-bit value equals it */
#define SBP2X_ROM_VALUE_MISSING	0xff000000

/**
 * struct sbp2x_unit_info - what a unit directory says of the unit
 * @management_agent: address of the MANAGEMENT_AGENT register
 * @unit_unique_id: EUI-64 of the Unit_Unique_ID leaf, if that is all that the
 *		    leaf holds; else the node's
 * @directory_id: Directory_ID entry, else the directory's own address (low
 *		  24 bits), as IEEE 1212 has it
 * @firmware_revision: 24 bits, or %SBP2X_ROM_VALUE_MISSING
 * @model_id: 24 bits, or %SBP2X_ROM_VALUE_MISSING
 * @mgt_orb_timeout_ms: as given by the unit, not clamped; 0 if absent
 * @orb_size: size of the ORBs that the target fetches, in bytes; 0 if absent
 *	      or given as 0
 * @max_reconnect_hold: seconds (the entry has seconds - 1); 0 if absent
 * @command_set_spec_id: 24 bits, 0 if absent
 * @command_set: 24 bits, 0 if absent
 * @fast_start: the unit has a Fast_Start entry (SBP-3)
 * @count: entries in @logical_unit
 * @logical_unit: in the order of the ROM, each LUN once
 */
struct sbp2x_unit_info {
	u64 management_agent;
	u64 unit_unique_id;
	u32 directory_id;
	u32 firmware_revision;
	u32 model_id;
	u32 mgt_orb_timeout_ms;
	u32 orb_size;
	u32 max_reconnect_hold;
	u32 command_set_spec_id;
	u32 command_set;
	bool fast_start;
	unsigned int count;
	struct sbp2x_lun_info {
		u16 lun;
		u8 device_type;	/* SCSI peripheral device type */
		bool ordered;
	} logical_unit[SBP2X_MAX_LOGICAL_UNITS];
};

/**
 * sbp2x_rom_parse() - read a unit directory
 * @rom: the whole configuration ROM, host byte order, from the bus
 *	 information block on
 * @quadlets: its length
 * @directory: index in @rom of the unit directory's header quadlet
 * @info: filled in
 * @complaint: set to a sentence for the log that says what is wrong, or to
 *	       NULL; may be set on success too, where something was skipped
 *
 * Pure; any context.
 *
 * Return: 0, or -EINVAL where the unit cannot be used: the directory lies
 * outside the ROM, there is no management agent, or it lies where no unit can
 * have one, or there is no logical unit.
 */
int sbp2x_rom_parse(const u32 *rom, size_t quadlets, size_t directory,
		    struct sbp2x_unit_info *info, const char **complaint);

#endif
