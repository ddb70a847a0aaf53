"""Values of the Deploy job's arguments that name no version, shared by the job and the pipeline's parameters."""

#: For `--package`: the champion, which is the highest approved version.
LATEST_APPROVED = "latest-approved"
#: For `--changed`: the execution was started by no event.
NO_CHANGE = "none"
