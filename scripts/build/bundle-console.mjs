/** The page of the gateway for browsers: gateway/console/ as one script and one style sheet. */
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { licensesOf } from './licenses.mjs'
import { root } from './product.mjs'

/** The folder of the sources, which run in browsers only. */
export const consoleFolder = 'gateway/console'

/** Bundles the page with what it imports, which then needs no package at run time, and with the licenses of that. */
export async function bundleConsole(target) {
  const { build } = await import('esbuild')
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ['page.tsx', 'page.css'].map((name) => `${consoleFolder}/${name}`),
    outdir: join(target, consoleFolder),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    define: { 'process.env.NODE_ENV': '"production"', 'globalThis.process': 'undefined' },
    // Few files of packages have their license in a comment.
    legalComments: 'none',
    banner: { js: '/* The licenses of the libraries in this file: licenses.txt */' },
    metafile: true,
    logLevel: 'error',
  })
  cpSync(join(root, consoleFolder, 'icon.svg'), join(target, consoleFolder, 'icon.svg'))
  const licenses = licensesOf(Object.keys(metafile.inputs))
  writeFileSync(join(target, consoleFolder, 'licenses.txt'), licenses)
}
