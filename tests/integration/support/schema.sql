-- The app's tables as far as backups need them, in the shape that Prisma gives them.

CREATE TYPE "BackupRunKind" AS ENUM ('SCHEDULED', 'MANUAL');
CREATE TYPE "BackupRunStatus" AS ENUM ('queued', 'running', 'success', 'failed');
CREATE TYPE "SmtpSecurityMode" AS ENUM ('STARTTLS', 'TLS', 'NONE');

CREATE TABLE "backup_config" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "name" TEXT NOT NULL,
    "enabled" BOOLEAN NOT NULL DEFAULT true,
    "cron" TEXT NOT NULL,
    "timezone" TEXT,
    "retention" JSONB NOT NULL,
    "notify_emails" TEXT[] NOT NULL DEFAULT '{}',
    "notify_on_success" BOOLEAN NOT NULL DEFAULT false,
    "last_run_at" TIMESTAMP(3),
    "created_by" UUID,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMP(3) NOT NULL,
    CONSTRAINT "backup_config_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "backup_run" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "config_id" UUID,
    "kind" "BackupRunKind" NOT NULL,
    "status" "BackupRunStatus" NOT NULL DEFAULT 'queued',
    "started_at" TIMESTAMP(3),
    "finished_at" TIMESTAMP(3),
    "size_bytes" BIGINT,
    "manifest" JSONB,
    "dump_path" TEXT,
    "manifest_path" TEXT,
    "error" TEXT,
    "triggered_by" UUID,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "backup_run_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "backup_run_config_id_fkey" FOREIGN KEY ("config_id")
        REFERENCES "backup_config" ("id") ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE INDEX "backup_run_config_id_started_at_idx" ON "backup_run" ("config_id", "started_at" DESC);
CREATE INDEX "backup_run_status_created_at_idx" ON "backup_run" ("status", "created_at");

CREATE TABLE "audit_log" (
    "id" UUID NOT NULL,
    "actor_id" UUID,
    "action" TEXT NOT NULL,
    "entity_type" TEXT NOT NULL,
    "entity_id" TEXT,
    "company_id" UUID,
    "ip" TEXT,
    "user_agent" TEXT,
    "before" JSONB,
    "after" JSONB,
    "created_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("id")
);
CREATE FUNCTION "audit_log_is_append_only"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'audit_log is append-only: % refused', TG_OP;
END
$$;
CREATE TRIGGER "audit_log_append_only" BEFORE UPDATE OR DELETE ON "audit_log"
    FOR EACH ROW EXECUTE FUNCTION "audit_log_is_append_only"();

CREATE TABLE "email_settings" (
    "id" TEXT NOT NULL DEFAULT 'singleton',
    "enabled" BOOLEAN NOT NULL DEFAULT false,
    "host" TEXT,
    "port" INTEGER,
    "secure_mode" "SmtpSecurityMode" NOT NULL DEFAULT 'STARTTLS',
    "username" TEXT,
    "password_ciphertext" TEXT,
    "from_name" TEXT,
    "from_email" TEXT,
    "reply_to" TEXT,
    "updated_at" TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_by" UUID,
    CONSTRAINT "email_settings_pkey" PRIMARY KEY ("id")
);

-- Prisma's own ledger.
CREATE TABLE "_prisma_migrations" (
    "id" VARCHAR(36) NOT NULL PRIMARY KEY,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
);
INSERT INTO "_prisma_migrations" ("id", "checksum", "finished_at", "migration_name", "applied_steps_count") VALUES
    (gen_random_uuid(), repeat('a1', 32), now(), '20250101000000_init', 1),
    (gen_random_uuid(), repeat('b2', 32), now(), '20250601000000_backups', 1);
