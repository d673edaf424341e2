/**
 * `npm run build`: compiles the product to dist/, and the kit to subgraphs/kit/dist as the package that
 * other teams install.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { compile, copyAssets, root } from './build/product.mjs'

build('tsconfig.build.json', 'dist')
copyAssets(join(root, 'dist'))
build('subgraphs/kit/tsconfig.json', 'subgraphs/kit/dist')
console.log('built: dist (the product), subgraphs/kit/dist (the package @portcullis/kit)')

function build(project, folder) {
  rmSync(join(root, folder), { recursive: true, force: true })
  if (compile(project)) return
  console.error(`build: ${project} does not compile`)
  process.exit(1)
}
