import { readCommandLine } from '../kit/process/command-line.ts'
import { runProcess } from '../kit/process/run-process.ts'
import { help } from './settings.ts'
import { startAuth } from './start-auth.ts'

runProcess('auth', async () => {
  readCommandLine({ usage: help, options: {} })
  return startAuth(process.env)
})
