// What must stand in a process's environment before the first session of ONNX Runtime: its builds for Linux and macOS
// otherwise keep a device id in the home folder and send usage data to their maker (docs/decisions/0006).
export const quietRuntime = { name: 'ORT_DISABLE_TELEMETRY', value: '1' } as const
