/* SPDX-License-Identifier: GPL-2.0-or-later */

#define KiB 1024
