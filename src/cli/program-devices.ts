// Commands for the computer: its devices, and the self-test.
import { Argument, type Command } from 'commander'
import { type DeviceId, deviceIds } from '#shared/devices.ts'
import { addCommand, type Run } from './program-command.ts'

export function addDeviceCommands(program: Command, run: Run): void {
  const devices = program
    .command('devices')
    .description('what runs can be computed on, and how fast that is on this computer')
  const load = () => import('./commands/devices.ts')
  const withModel = (command: Command): Command =>
    command.option('--model <model>', 'name or id from models list; left out, the starter')
  withModel(
    addCommand(devices, 'list', 'which there are here, what was measured, and which one a run takes'),
  ).action((options: { model?: string }, command: Command) =>
    run(command, async (application) => (await load()).listDevices(application, options.model)),
  )
  withModel(addCommand(devices, 'measure', 'a real training step on each of them')).action(
    (options: { model?: string }, command: Command) =>
      run(command, async (application) => (await load()).measureAll(application, options.model)),
  )
  addCommand(devices, 'use', 'take one for all runs that ask for nothing; "fastest" takes the fastest again')
    .addArgument(new Argument('<device>').choices([...deviceIds, 'fastest']))
    .action((device: DeviceId | 'fastest', _options: unknown, command: Command) =>
      run(command, async (application) =>
        (await load()).useDevice(application, device === 'fastest' ? null : device),
      ),
    )
}

export function addDoctorCommand(program: Command, run: Run): void {
  addCommand(program, 'doctor', 'self-test: computer, graphics, disk, journal, child processes, models')
    .option('--device <id>', 'of one device instead, e.g. tensorflow-cuda; "cuda": all of NVIDIA\'s')
    .option('--full', "with --device: its whole suite, or a real step beside the processor's")
    .action(({ device, full = false }: { device?: string; full?: boolean }, command: Command) =>
      run(command, async (application) => {
        if (device === undefined) return (await import('./commands/doctor.ts')).runDoctor(application)
        const { runDeviceDoctor } = await import('./commands/doctor-device.ts')
        return runDeviceDoctor(application, device, { isFull: full })
      }),
    )
}
