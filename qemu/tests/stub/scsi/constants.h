/*
 * As many of the SCSI standards' numbers as the target asks for.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef STUB_CONSTANTS_H
#define STUB_CONSTANTS_H

#define INQUIRY                 0x12
#define RESERVE                 0x16
#define RELEASE                 0x17
#define START_STOP              0x1b
#define READ_CAPACITY_10        0x25
#define SERVICE_ACTION_IN_16    0x9e
#define TYPE_SCANNER            0x06

#endif
