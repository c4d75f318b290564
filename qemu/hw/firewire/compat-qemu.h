/*
 * What knows QEMU versions: the models are written for 10.0 and build on 7.2.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef HW_FIREWIRE_COMPAT_QEMU_H
#define HW_FIREWIRE_COMPAT_QEMU_H

#include "config-host.h"
#include "qemu/osdep.h"
#include "hw/qdev-properties.h"

#ifndef QEMU_VERSION_MAJOR
#define QEMU_VERSION_MAJOR 7
#define QEMU_VERSION_MINOR 2
#endif

/* What 10.0 renamed, and icount_enabled(), which 10.1 moved */
#if QEMU_VERSION_MAJOR >= 10
#include "system/cpu-timers.h"
#include "system/system.h"
#else
#include "sysemu/cpu-timers.h"
#include "sysemu/sysemu.h"
#endif
#if QEMU_VERSION_MAJOR * 100 + QEMU_VERSION_MINOR >= 1001
#include "exec/icount.h"
#endif

/* 10.1 made it const */
#if QEMU_VERSION_MAJOR * 100 + QEMU_VERSION_MINOR >= 1001
#define FW_CLASS_DATA const void *
#else
#define FW_CLASS_DATA void *
#endif

/* Since 10.0 a list of properties is const, and has no terminator */
#if QEMU_VERSION_MAJOR >= 10
#define FW_PROPERTY const Property
#define FW_PROPERTIES_END
#else
#define FW_PROPERTY Property
#define FW_PROPERTIES_END DEFINE_PROP_END_OF_LIST()
#define device_class_set_legacy_reset(dc, fn) ((dc)->reset = (fn))
#endif

#endif
