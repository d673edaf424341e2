/** A real browser without a window: Debian's chromium, driven by playwright-core. */
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** Where the browser is installed; undefined if there is none. */
export const browserPath = process.env['CHROMIUM'] ?? paths.find((path) => existsSync(path))

/** Why tests that need a browser are skipped. */
export const noBrowser = 'skipped: there is no browser (apt-get install chromium)'

/** Starts the browser. */
export function startBrowser(): Promise<Browser> {
  // Its sandbox refuses to run as root, as which CI runs; it opens pages of the tests only.
  return chromium.launch({ executablePath: browserPath!, args: ['--no-sandbox'] })
}
