/*
 * The SCSI types that the target's structures are made of.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef STUB_SCSI_H
#define STUB_SCSI_H

#include "hw/qdev-core.h"

typedef struct Notifier { void *unused; } Notifier;
typedef struct SCSIBus { BusState qbus; } SCSIBus;
typedef struct SCSIRequest SCSIRequest;
typedef struct SCSIBusInfo SCSIBusInfo;

#endif
