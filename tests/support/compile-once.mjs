/** Before the first test: the product is compiled once, for the tests and for what they start as processes. */
import { compiled } from '../../scripts/build/compiled.mjs'

export default async function compileOnce() {
  process.env.COMPILED_PRODUCT = await compiled()
}
