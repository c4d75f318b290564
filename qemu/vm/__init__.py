# SPDX-License-Identifier: GPL-2.0-or-later
"""What qemu/lab is made of."""
