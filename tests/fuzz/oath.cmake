foreach(name otpauth oath_csv otp_code)
	tessera_fuzz(${name} LINK tessera_oath)
endforeach()
