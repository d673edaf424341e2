import { readCommandLine } from '../kit/process/command-line.ts'
import { runProcess } from '../kit/process/run-process.ts'
import { help } from './settings.ts'
import { startUsers } from './start-users.ts'

runProcess('users', async () => {
  readCommandLine({ usage: help, options: {} })
  return startUsers(process.env)
})
