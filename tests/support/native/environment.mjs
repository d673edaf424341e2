/** The environment of a test file: the worker process as it is, which the next file finds as it was. */
import { ModuleMocker } from 'jest-mock'

/** Under this symbol, Jest keeps what listens to the events of one file. */
const listeners = Symbol.for('EVENT_HANDLERS')

export default class NativeEnvironment {
  global = globalThis
  moduleMocker = new ModuleMocker(globalThis)
  #environment = { ...process.env }
  #exit = process.exit
  #exitCode = process.exitCode
  #console = console

  async setup() {}

  async teardown() {
    for (const name of Object.keys(process.env)) {
      if (!(name in this.#environment)) delete process.env[name]
    }
    Object.assign(process.env, this.#environment)
    process.exit = this.#exit
    process.exitCode = this.#exitCode
    globalThis.console = this.#console
    delete globalThis[listeners]
  }

  /** There is none. */
  getVmContext() {
    return null
  }
}
