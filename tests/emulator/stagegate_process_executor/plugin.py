"""The entry point that LocalEmu finds under LAMBDA_RUNTIME_EXECUTOR=stagegate-process."""

from localemu.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class StagegateProcessPlugin(RuntimeExecutorPlugin):
    name = "stagegate-process"

    def load(self, *args, **kwargs):
        from stagegate_process_executor.executor import ProcessExecutor

        return ProcessExecutor
