/** The page of the gateway for browsers: gateway/console/ as one script and one style sheet. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './product.mjs'

/** The folder of the sources, which run in browsers only. */
export const consoleFolder = 'gateway/console'

/** Bundles the page with what it imports, which then needs no package at run time. */
export async function bundleConsole(target) {
  const { build } = await import('esbuild')
  await build({
    absWorkingDir: root,
    entryPoints: ['page.tsx', 'page.css'].map((name) => `${consoleFolder}/${name}`),
    outdir: join(target, consoleFolder),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"', 'globalThis.process': 'undefined' },
    legalComments: 'none',
    logLevel: 'error',
  })
  cpSync(join(root, consoleFolder, 'icon.svg'), join(target, consoleFolder, 'icon.svg'))
}
