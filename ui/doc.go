// SPDX-License-Identifier: Apache-2.0

// Package ui is the screen: the root model around the tabs, and Run, which starts it on a terminal and gives the terminal
// back however it ends.
package ui
