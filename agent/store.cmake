# What tesserad keeps: the store and the signing keys.
tessera_part(tessera_store
	SOURCES
		keys.c
		otp_throttle.c
		public_file.c
		seal.c
		store_anchor.c
		store_backup.c
		store_batch.c
		store_card.c
		store_check.c
		store_credential.c
		store_fido.c
		store_file.c
		store_key.c
		store_meta.c
		store_open.c
		store_otp.c
		store_recovery.c
		store_rekey.c
		store_restore.c
		store_row.c
		store_schema.c
		store_signing.c
		store_tag.c
		store_token.c
	LINK tessera_base tessera_token tessera_oath PkgConfig::SQLITE PkgConfig::SODIUM)
