/** Before the first test: what the tests start as processes is compiled once, not by each of them. */
import { compiled } from '../../scripts/build/compiled.mjs'

export default async function compileOnce() {
  await compiled()
}
